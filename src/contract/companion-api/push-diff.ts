import { z } from 'zod'
import { ObjectId } from '../names.ts'

/** A ref that a push created or updated, with its object ids before and after. */
export const UpdatedRef = z.object({ ref: z.string().max(1024), old: ObjectId, new: ObjectId })
export type UpdatedRef = z.infer<typeof UpdatedRef>

/** The diff covers at most this many refs of a push. */
export const MAX_REFS = 10

const LimitedText = z.object({
  text: z.string(),
  /** Whether `text` is only the beginning. */
  truncated: z.boolean(),
})

/** The commits and the diff that a push introduced to a ref, unescaped. */
export const PushDiff = z
  .object({
    ref: z.string(),
    /** Null if the mirror lacks the objects. */
    changes: z.object({ commits: LimitedText, diff: LimitedText }).nullable(),
  })
  .meta({ id: 'PushDiff' })
export type PushDiff = z.infer<typeof PushDiff>
