import { cleanCases } from './clean.ts'
import { caughtContent } from './content.ts'
import { caughtEncodings, residue as notSeen } from './encodings.ts'
import { caughtHistory } from './history.ts'
import { caughtNames } from './names.ts'
import { caughtWords } from './words.ts'

/** Where a case works: a clone of a repository that has one commit on `main`. */
export interface Work {
  readonly dir: string
  git(...args: readonly string[]): Promise<string>
  write(path: string, content: string | Buffer): Promise<void>
  /** Commits all that is in the work tree; answers with the id. */
  commit(message?: string): Promise<string>
  /** Makes what these refspecs push the upstream's already, past every check. */
  publish(...refspecs: readonly string[]): Promise<void>
}

/** What a case wants pushed, and the made-up secrets in it, none of which may be shown to anyone. */
export interface Made {
  readonly refspecs: readonly string[]
  readonly secrets: readonly string[]
}

/** One push. Every run makes its own secrets. */
export interface Case {
  readonly name: string
  make(work: Work): Promise<Made>
}

/** Pushes that bring a secret. */
export const caught: readonly Case[] = [
  ...caughtContent,
  ...caughtEncodings,
  ...caughtHistory,
  ...caughtNames,
  ...caughtWords,
]

/** Pushes that bring none. */
export const clean: readonly Case[] = cleanCases

/** Pushes with a secret that no scan of this kind sees; docs/scan.md says why. */
export const residue: readonly Case[] = notSeen
