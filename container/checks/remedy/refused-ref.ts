import { shellWord, THEN_PUSH_AGAIN } from '../../git/clone-commands.ts'
import type { RefHistory } from './ref-history.ts'

/** A ref whose commits have to be rewritten. */
export interface RefusedRef {
  readonly ref: string
  /** The ref's name, redacted. */
  readonly displayName: string
  /** The object that was pushed. */
  readonly id: string
  /** Undefined: the ref points to no new commit. */
  readonly history: RefHistory | undefined
  /** For a tag: a refused branch that brings the same commit. */
  readonly branch: { readonly displayName: string; readonly history: RefHistory | undefined } | undefined
}

export const isTag = (ref: string) => ref.startsWith('refs/tags/')

export const tagOf = ({ ref }: Pick<RefusedRef, 'ref'>) => shellWord(ref.replace(/^refs\/tags\//, ''))

/** Returns the steps that rewrite a branch, or that rewrite a tag's commits and move the tag. */
export function rewriteThenMove(
  refused: RefusedRef,
  history: RefHistory,
  rewrite: (history: RefHistory) => readonly string[],
  { isBranchSquashed = false, isMessageBad = false } = {},
): string[] {
  if (!isTag(refused.ref)) return [...rewrite(history), THEN_PUSH_AGAIN]
  return [
    ...(refused.branch
      ? [`Fix ${refused.branch.displayName} first, with the steps for it.`]
      : rewrite(history)),
    'Then move the tag:',
    `  ${moveTag(refused, history, { isBranchSquashed, isMessageBad })}`,
    THEN_PUSH_AGAIN,
  ]
}

/** Returns the command that moves a tag after its commits were rewritten. */
function moveTag(
  refused: RefusedRef,
  history: RefHistory,
  { isBranchSquashed, isMessageBad }: { isBranchSquashed: boolean; isMessageBad: boolean },
): string {
  const tag = tagOf(refused)
  const firstParents = isBranchSquashed ? [] : (refused.branch?.history?.firstParents ?? [])
  const generations = firstParents.indexOf(history.tip)
  const newTarget = generations > 0 ? `HEAD~${generations}` : 'HEAD'
  if (refused.id === history.tip) return `git tag --force ${tag} ${newTarget}`
  const message = isMessageBad
    ? "'<message>'"
    : `"$(git for-each-ref --format='%(contents)' ${shellWord(refused.ref)})"`
  return `git tag --force --annotate ${tag} --message ${message} ${newTarget}`
}
