import { branchAt, shellWord, shortId7, shortId12 } from '../../git/clone-commands.ts'
import { amendSteps, RESET_AUTHOR, SET_IDENTITY, stopAtTip } from './amend-steps.ts'
import { type CommitProblems, findBuiltOn, findProblems, type RefProblem } from './commit-problems.ts'
import { descendantsInRef, introducingMerge, type RefHistory } from './ref-history.ts'
import { MAX_STOPS, squashSteps } from './squash.ts'

type Fix = 'amend' | 'edit-each' | 'authors' | 'squash'

/**
 * Chooses how to rewrite the commits: amend the tip, stop a rebase at each, rewrite all identities by one command, or
 * squash, since a rebase would conflict at every later change of the same files.
 */
export function chooseFix(history: RefHistory, { leaks, changes }: RefProblem): Fix {
  const { tip } = history
  const problemsByCommit = findProblems(history, leaks)
  const all = [...problemsByCommit.values()]
  if (problemsByCommit.keys().next().value === tip) return 'amend'
  const isIdentityOnly = ({ identity, header, message, files, names }: CommitProblems) =>
    identity && !header && !message && !files.size && !names.size
  if (all.every(isIdentityOnly)) return 'authors'
  return findBuiltOn(leaks, history, changes) !== undefined ||
    problemsByCommit.size > MAX_STOPS ||
    all.some(problems => problems.header)
    ? 'squash'
    : 'edit-each'
}

/** Returns the steps that rewrite the commits of the pushed branch. */
export function rewriteSteps(history: RefHistory, refused: RefProblem): string[] {
  const { tip, parentsOf } = history
  const problemsByCommit = findProblems(history, refused.leaks)
  const badCommits = [...problemsByCommit.keys()]
  const [oldest = tip] = badCommits
  const fix = chooseFix(history, refused)
  const isMerge = (id: string) => parentsOf(id).length > 1
  const badMerges = badCommits.filter(id => isMerge(id) && problemsByCommit.get(id)?.files.size)
  const mergedBy = introducingMerge(oldest, history)
  const explanation = [
    ...(mergedBy
      ? [
          `It came in with the merge ${shortId7(mergedBy.merge)}, through its parent ${mergedBy.parent} (${shortId7(mergedBy.parentId)}).`,
        ]
      : []),
    ...badMerges.map(
      id => `The merge ${shortId7(id)} itself holds it: no parent has this version of the file.`,
    ),
  ]
  if (fix === 'amend')
    return [
      ...explanation,
      ...stopAtTip(tip),
      ...[...problemsByCommit.values()].flatMap(problems => amendSteps(problems, parentsOf(tip).length)),
    ]
  if (fix === 'squash')
    return [...explanation, ...squashSteps(badCommits, problemsByCommit, history, refused)]
  if (fix === 'authors')
    return [
      ...explanation,
      SET_IDENTITY,
      'Rewrite the commits with this identity:',
      `  ${rebaseCommand(history, oldest, { exec: RESET_AUTHOR })}`,
    ]
  const ids = badCommits.map(shortId7)
  return [
    ...explanation,
    `Stop a rebase at ${ids.length > 1 ? `each of ${ids.join(', ')}` : 'that commit'} (uncommitted work is put aside until its end):`,
    `  ${rebaseCommand(history, oldest, { stops: badCommits })}`,
    ...[...problemsByCommit].flatMap(([id, problems]) => [
      ...(ids.length > 1 ? [`At ${shortId7(id)}:`] : []),
      ...amendSteps(problems, parentsOf(id).length),
    ]),
  ]
}

/**
 * Returns the command that rebases the pushed branch from a commit on: it runs `exec` after each commit, or stops at
 * each of `stops`.
 */
export function rebaseCommand(
  history: RefHistory,
  from: string,
  { exec, stops = [], options = '' }: { exec?: string; stops?: readonly string[]; options?: string },
): string {
  const { parentsOf, tip } = history
  const isMerge = (id: string) => parentsOf(id).length > 1
  const merges = [...descendantsInRef([from], history)].some(isMerge) ? ' --rebase-merges' : ''
  const onto = parentsOf(from).length === 0 ? '--root' : `${shortId12(from)}^`
  const edits = stops.map(id =>
    isMerge(id)
      ? ` -e '/^merge -C ${shortId7(id)}/a\\' -e break`
      : ` -e 's/^pick ${shortId7(id)}/edit ${shortId7(id)}/'`,
  )
  // sed writes a suffix for a backup, since BSD's -i requires one.
  const editor = edits.length ? `GIT_SEQUENCE_EDITOR="sed -i.bak${edits.join('')}" ` : ''
  return `${editor}git rebase ${edits.length ? '--interactive ' : ''}--autostash${merges}${options && ` ${options}`}${exec ? ` --exec ${shellWord(exec)}` : ''} ${onto} ${branchAt(tip)}`
}
