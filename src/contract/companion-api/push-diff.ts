import { z } from 'zod'
import { ObjectId } from '../names.ts'

/** A ref that a push created or updated, with its object ids before and after. */
export const UpdatedRef = z.object({ ref: z.string().max(1024), old: ObjectId, new: ObjectId })
export type UpdatedRef = z.infer<typeof UpdatedRef>

/** The diff covers at most this many refs of a push. */
export const MAX_REFS = 10

/** The part of a push to describe: without a commit, everything; without a path, every file. */
export const DiffPart = z.object({
  commit: ObjectId.optional(),
  path: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .meta({ description: 'The path of a file, as the list has it' }),
})
export type DiffPart = z.infer<typeof DiffPart>

const PushedCommit = z.object({
  id: ObjectId,
  subject: z.string(),
  author: z.string(),
  email: z.string(),
  at: z.string().meta({ description: "The author's date, in ISO 8601" }),
})
export type PushedCommit = z.infer<typeof PushedCommit>

const ChangedFile = z.object({
  path: z.string(),
  from: z.string().nullable().meta({ description: 'The old path of a renamed file' }),
  added: z.number().int().nullable().meta({ description: 'Null for a binary file' }),
  removed: z.number().int().nullable(),
})
export type ChangedFile = z.infer<typeof ChangedFile>

/** The commits that a push brought to a ref, and the changes of its files. Texts are unescaped. */
const Changes = z.object({
  commits: z.array(PushedCommit),
  hasMoreCommits: z.boolean(),
  files: z.array(ChangedFile),
  hasMoreFiles: z.boolean(),
  /** Null: the text cannot be shown, because no complete scan tells which part of it is secret. */
  diff: z.object({ text: z.string(), truncated: z.boolean() }).nullable(),
})
export type Changes = z.infer<typeof Changes>

/** The changes of a ref. */
export const PushDiff = z
  .object({
    ref: z.string(),
    /** Null if the companion lacks the objects. */
    changes: Changes.nullable(),
  })
  .meta({ id: 'PushDiff' })
export type PushDiff = z.infer<typeof PushDiff>
