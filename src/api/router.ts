import { OpenAPIHono, type z } from '@hono/zod-openapi'
import { ApiError } from '../contract/api.ts'
import type { Operator } from '../ledger/audit-log.ts'
import { Problem } from './problem.ts'

export interface ApiEnv {
  Bindings: Env
  Variables: { operator: Operator }
}

/** A request that does not fit a schema: a 400 that names the field. */
export function misfit(error: z.ZodError): Problem {
  const [issue] = error.issues
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : ''
  return new Problem(
    400,
    'bad-request',
    `${where}${issue?.message ?? 'it does not fit'}`.slice(0, 1000),
    'See /-/api/v1/reference for what this takes',
  )
}

/** A part of the API. What comes in is parsed by its route's schemas. */
export const room = () =>
  new OpenAPIHono<ApiEnv>({
    defaultHook: result => {
      if (!result.success) throw misfit(result.error)
    },
  })

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  content: { 'application/json': { schema } },
  description,
})

/** The body that a route takes. */
export const takes = <T extends z.ZodType>(schema: T) => ({
  content: { 'application/json': { schema } },
  required: true as const,
})

const REFUSALS = {
  400: json(ApiError, 'It does not fit the schema'),
  401: json(ApiError, 'No valid admin token'),
  404: json(ApiError, 'There is no such thing'),
  409: json(ApiError, 'It stands against what there is'),
  413: json(ApiError, 'The body is too large'),
  415: json(ApiError, 'The body is not JSON'),
  429: json(ApiError, 'Too many requests; Retry-After says when to come again'),
  502: json(ApiError, 'The companion cannot be asked, or answered oddly'),
  503: json(ApiError, 'The gate is at fault; its log has the cause'),
}

/** A route's answer, beside the refusals that every route knows. */
export const answers = <S extends 200 | 201, T extends z.ZodType>(
  status: S,
  schema: T,
  description: string,
) =>
  ({ [status]: json(schema, description), ...REFUSALS }) as {
    [K in S]: ReturnType<typeof json<T>>
  } & typeof REFUSALS
