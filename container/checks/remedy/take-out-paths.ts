import { LATER_COMMIT_DOES_NOT_HELP, shellWord, shortId7, shortId12 } from '../../git/clone-commands.ts'
import type { Entry } from '../objects/changed-paths.ts'
import { stopAtTip } from './amend-steps.ts'
import type { RefHistory } from './ref-history.ts'
import { type RefusedRef, rewriteThenMove } from './refused-ref.ts'
import { rebaseCommand } from './rewrite-history.ts'
import { squashCommand } from './squash.ts'

/** A change of a path that may not be pushed. */
export interface RefusedChange {
  readonly commit: string
  readonly path: string
}

/** The most paths that a command names. The next push names the others. */
const MAX_PATHS = 50

type Changes = readonly Pick<Entry, 'commit' | 'path' | 'mode' | 'id' | 'oldModes'>[]

/** Returns the steps that take paths out of a ref's new commits; a path that was there before keeps that version. */
export function takeOutSteps(
  refused: RefusedRef,
  changes: readonly RefusedChange[],
  entries: Changes,
): string[] {
  const { history } = refused
  if (!history) return []
  const own = changes.filter(({ commit, path }) => history.order.has(commit) && isPrintable(path))
  if (own.length === 0) return []
  const plan = planOf(own, entries, refused.branch?.history ?? history)
  const steps = rewriteThenMove(
    refused,
    history,
    history => rewriteSteps(history, planOf(own, entries, history)),
    {
      isBranchSquashed: plan.isBuiltOn,
    },
  )
  return [...steps, LATER_COMMIT_DOES_NOT_HELP]
}

const isPrintable = (path: string) => path !== '' && !/[\p{C}\uFFFD]/u.test(path)

interface Plan {
  /** The commits that change the paths, parents first. */
  readonly commits: readonly string[]
  readonly added: readonly string[]
  readonly changed: readonly string[]
  /** True if a later commit changes or moves a path that is added here, so that a rebase would conflict. */
  readonly isBuiltOn: boolean
}

function planOf(refused: readonly RefusedChange[], entries: Changes, { order }: RefHistory): Plan {
  const positionOf = (commit: string) => order.get(commit) ?? -1
  const paths = [...new Set(refused.map(({ path }) => path))].slice(0, MAX_PATHS)
  const changes = entries.filter(({ commit, path }) => order.has(commit) && paths.includes(path))
  const commits = [...new Set(changes.map(({ commit }) => commit))].sort(
    (a, b) => positionOf(a) - positionOf(b),
  )
  const firstOf = (path: string) => changes.find(change => change.path === path)
  const isAdded = (path: string) => firstOf(path)?.oldModes.every(mode => mode === '000000') ?? true
  const added = paths.filter(isAdded)
  const isBuiltOn = added.some(path => {
    const first = firstOf(path)
    return entries.some(
      ({ commit, path: at, mode, id }) =>
        order.has(commit) &&
        ((at === path && commit !== first?.commit && mode !== '000000') || (at !== path && id === first?.id)),
    )
  })
  return { commits, added, changed: paths.filter(path => !isAdded(path)), isBuiltOn }
}

function rewriteSteps(history: RefHistory, { commits, added, changed, isBuiltOn }: Plan): string[] {
  const [first = history.tip] = commits
  const words = (paths: readonly string[]) => paths.map(shellWord).join(' ')
  const restore = [
    ...(added.length ? [`git rm -r --cached --quiet --ignore-unmatch -- ${words(added)}`] : []),
    ...(changed.length
      ? [`git restore --source=${shortId12(first)}^ --staged --worktree -- ${words(changed)}`]
      : []),
  ].join(' && ')
  if (isBuiltOn)
    return [
      `Later commits change it again: squash all commits from ${shortId7(first)} on into one, without it.`,
      ...stopAtTip(history.tip),
      `  ${squashCommand(commits, history, { stage: restore, isMessageKept: () => true, resetAuthor: false })}`,
    ]
  const exec = `${restore} && git diff --cached --quiet || git commit --amend --quiet --allow-empty --no-edit`
  const options = changed.length ? '--strategy-option=ours' : ''
  return [
    'Take it out of the commits (uncommitted work is put aside and comes back):',
    `  ${rebaseCommand(history, first, { exec, options })}`,
  ]
}
