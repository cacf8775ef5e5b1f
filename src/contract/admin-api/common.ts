import { z } from 'zod'

/** A point in time in the admin API's requests and responses, in ISO 8601. */
export const Time = z.iso.datetime({ offset: true })

/** The body of every error response of the API: the problem, and how to fix it. */
export const ApiError = z
  .object({
    error: z.object({
      code: z.string().meta({ description: 'A word that does not change, for programs' }),
      message: z.string(),
      fix: z.string().meta({ description: 'What to do; empty when there is nothing to say' }),
    }),
  })
  .meta({ id: 'Error' })
export type ApiError = z.infer<typeof ApiError>

export const Page = z.object({
  next: z
    .string()
    .nullable()
    .meta({ description: 'The cursor of the next page; large records make a page shorter than its limit' }),
})

export const Limit = z.coerce.number().int().min(1).max(2000).default(100)
