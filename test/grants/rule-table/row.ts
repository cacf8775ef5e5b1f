import type { GrantName } from './grants.ts'
import type { ObjectName } from './objects.ts'

type Refs = Readonly<Record<string, ObjectName>>

/** A push, git's output, and upstream's refs afterwards; `@` stands for the row's mark. */
export type Row = {
  readonly title: string
  readonly agent: GrantName
  readonly before?: Refs
  /** The refspecs of `git push`. */
  readonly push: readonly string[]
} & (
  | { readonly prints: readonly string[]; readonly after: Refs }
  /** Upstream is unchanged. */
  | { readonly refused: readonly string[]; readonly code?: number }
)

const NOT_ALONE = 'git-gate: not pushed: another ref of this push was refused'
/** Git's line for a ref that was not pushed because of another ref. */
export const beside = (refspec: string, culprit: string, reason: string) =>
  `! [remote rejected] ${refspec} (${NOT_ALONE}: ${culprit}: ${reason})`
/** Git's line for a ref that was refused for its own reason. */
export const rejected = (refspec: string, reason: string) =>
  `! [remote rejected] ${refspec} (git-gate: ${reason})`
