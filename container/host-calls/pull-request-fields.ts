import { z } from 'zod'
import { refNameProblem } from '../../src/contract/names.ts'

/** A branch of the project itself. */
export const Branch = z
  .string()
  .max(250)
  // A colon would name the branch of a fork.
  .refine(
    name => refNameProblem(`refs/heads/${name}`) === undefined && !name.includes(':'),
    'not a branch of the project',
  )
export const Title = z.string().min(1).max(250)
/** The text of a pull request or a comment. */
export const Text = z.string().max(60_000)
