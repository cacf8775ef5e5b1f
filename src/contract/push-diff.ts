import { z } from 'zod'
import { ObjectId } from './names.ts'

/** A ref that a push moved, as far as it takes to ask what that brought. */
export const MovedRef = z.object({ ref: z.string().max(1024), old: ObjectId, new: ObjectId })
export type MovedRef = z.infer<typeof MovedRef>

/** The most refs of a push that are looked at. */
export const MOST_REFS = 10

const Text = z.object({
  text: z.string(),
  /** There was more than is shown. */
  cut: z.boolean(),
})

/** What a push brought to one ref, where the mirror still has it. Text of the push, as it is. */
export const Introduced = z
  .object({
    ref: z.string(),
    /** Null: the mirror does not have it any more, or never kept it. */
    brought: z.object({ commits: Text, diff: Text }).nullable(),
  })
  .meta({ id: 'Introduced' })
export type Introduced = z.infer<typeof Introduced>
