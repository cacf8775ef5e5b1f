import { LATER_COMMIT_DOES_NOT_HELP, remoteOf, shortId12, THEN_PUSH_AGAIN } from '../../git/clone-commands.ts'
import { SET_IDENTITY } from './amend-steps.ts'
import type { RefProblem } from './commit-problems.ts'
import type { RefHistory } from './ref-history.ts'
import { isTag, type RefusedRef, rewriteThenMove, tagOf } from './refused-ref.ts'
import { chooseFix, rewriteSteps } from './rewrite-history.ts'

export const ROTATE =
  'If it was ever a real secret, revoke it where it was issued and make a new one: it has left your machine.'

export interface LeakingRef extends RefusedRef, RefProblem {
  readonly repository: string
  /** The object that the pushed object points to after all tags. */
  readonly target: string
  readonly branch: LeakingRef | undefined
}

/** Returns the steps that remove the secrets of a ref. Lines that begin with two blanks are whole commands. */
export function fixSteps(refused: LeakingRef): string[] {
  const { leaks, history, branch } = refused
  const inCommits = leaks.filter(({ commits }) => commits.some(id => history?.order.has(id)))
  const rewrite = (history: RefHistory) => rewriteSteps(history, { ...refused, leaks: inCommits })
  if (leaks.some(({ kind }) => kind === 'ref name')) {
    if (!history || inCommits.length === 0) return [...rename(refused), ROTATE]
    return [...rewrite(history), ...rename(refused, 'HEAD'), LATER_COMMIT_DOES_NOT_HELP, ROTATE]
  }
  if (history && inCommits.length > 0) {
    const isBranchSquashed = branch?.history !== undefined && chooseFix(branch.history, branch) === 'squash'
    const isMessageBad = leaks.some(({ kind }) => kind === 'tag')
    const steps = rewriteThenMove(refused, history, rewrite, { isBranchSquashed, isMessageBad })
    return [...steps, LATER_COMMIT_DOES_NOT_HELP, ROTATE]
  }
  if (leaks.every(({ kind, commits }) => kind === 'tag' && commits[0] !== refused.target))
    return [...recreateTag(refused), THEN_PUSH_AGAIN, ROTATE]
  return [
    'The tag points to an object with the secret. Tag an object without it, for example a commit:',
    `  git tag --force ${tagOf(refused)} HEAD`,
    THEN_PUSH_AGAIN,
    ROTATE,
  ]
}

/** Suggests a name in the same folder, which the grant may require. A tag's name is for its maker to choose. */
function rename(
  { ref, displayName, id, target, repository }: LeakingRef,
  source = shortId12(target),
): string[] {
  const folders = displayName.split('/').slice(0, -1)
  const folder = folders.length < 2 || /[^\w./-]/.test(folders.join('/')) ? ref.split('/', 2) : folders
  const remote = remoteOf(repository)
  if (!isTag(ref))
    return [
      'Push it under another name:',
      `  git push ${remote} ${source}:${[...folder, 'renamed'].join('/')}`,
    ]
  const name = [...folder, 'NAME'].join('/')
  const command =
    id === target
      ? `git push ${remote} ${source}:${name}`
      : `git tag --annotate ${name.replace(/^refs\/tags\//, '')} --message '<message>' ${source} && git push ${remote} ${name}`
  return ['Push it under a name without the secret, in place of NAME:', `  ${command}`]
}

function recreateTag(refused: LeakingRef): string[] {
  const tag = tagOf(refused)
  return [
    ...(refused.leaks.some(({ text }) => text.startsWith('tagger ')) ? [SET_IDENTITY] : []),
    'Recreate the tag without the secret:',
    `  git tag --force --annotate ${tag} --message '<message>' ${tag}^{}`,
  ]
}
