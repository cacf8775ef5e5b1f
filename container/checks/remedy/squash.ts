import { shortId7, shortId12 } from '../../git/clone-commands.ts'
import { CONTINUE, manualEdits, stopAtTip } from './amend-steps.ts'
import { type CommitProblems, findBuiltOn, problemsIn, type RefProblem } from './commit-problems.ts'
import { descendantsInRef, type RefHistory } from './ref-history.ts'

/** The most commits that a rebase stops at. */
export const MAX_STOPS = 20

/** Returns the steps that squash all commits from the first with a secret on. */
export function squashSteps(
  badCommits: readonly string[],
  problemsByCommit: ReadonlyMap<string, CommitProblems>,
  history: RefHistory,
  { leaks, changes }: RefProblem,
): string[] {
  const { order } = history
  const first = firstSquashed(badCommits, history)
  const existsAtTip = (path: string) =>
    changes.findLast(change => change.path === path && order.has(change.commit))?.mode !== '000000'
  const { files, names } = problemsIn(leaks.filter(({ path }) => existsAtTip(path)))
  const identity = [...problemsByCommit.values()].some(problems => problems.identity)
  const builtOn = findBuiltOn(leaks, history, changes)
  const reason =
    builtOn !== undefined
      ? `Later commits change ${builtOn.safePath ?? 'the file'} again`
      : problemsByCommit.size > MAX_STOPS
        ? `${problemsByCommit.size} commits hold secrets`
        : 'A rebase keeps the headers of commits'
  return [
    `${reason}: squash all commits from ${shortId7(first)} on into one.`,
    ...stopAtTip(history.tip),
    ...manualEdits({ files, names, identity }),
    `  ${squashCommand(badCommits, history, {
      stage: files.size > 0 ? 'git add --update' : undefined,
      isMessageKept: id => !problemsByCommit.get(id)?.message,
      resetAuthor: identity,
    })}`,
  ]
}

/** Returns the first commit of the ref's line that has one of the commits in it. */
function firstSquashed(badCommits: readonly string[], history: RefHistory): string {
  const descendants = descendantsInRef(badCommits, history)
  return history.firstParents.findLast(id => descendants.has(id)) ?? history.tip
}

/** Returns the command that squashes, at the tip, all commits from the first bad one on, and ends the rebase. */
export function squashCommand(
  badCommits: readonly string[],
  history: RefHistory,
  {
    stage,
    isMessageKept,
    resetAuthor,
  }: {
    stage: string | undefined
    isMessageKept: (commit: string) => boolean
    resetAuthor: boolean
  },
): string {
  const { firstParents, parentsOf, upstreamId } = history
  const first = firstSquashed(badCommits, history)
  const squashed = firstParents.slice(0, firstParents.indexOf(first) + 1)
  // Commits that a merge brought from upstream are not below earlier commits of the line.
  const merges = squashed.some(id => parentsOf(id).length > 1)
  const base = merges && upstreamId !== undefined ? shortId12(upstreamId) : `${shortId12(first)}^`
  const isRoot = parentsOf(first).length === 0 && base === `${shortId12(first)}^`
  const messageFrom = squashed.findLast(isMessageKept)
  const message =
    messageFrom === undefined ? "--message '<message>'" : `--reuse-message ${shortId12(messageFrom)}`
  const author = resetAuthor && messageFrom !== undefined ? ' --reset-author' : ''
  // A root commit has no parent to reset to.
  const steps = isRoot
    ? [
        stage,
        `git reset --soft "$(git commit-tree -m '<message>' "$(git write-tree)")"`,
        `git commit --amend --allow-empty ${message}${author}`,
      ]
    : [`git reset --soft ${base}`, stage, `git commit --allow-empty ${message}${author}`]
  return [...steps.filter(step => step !== undefined), CONTINUE].join(' && ')
}
