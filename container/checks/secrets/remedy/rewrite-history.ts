import type { Entry } from '../../objects/changed-paths.ts'
import type { ScanItem } from '../gitleaks/scan-files.ts'
import { descendantsInRef, introducingMerge, type RefHistory } from './ref-history.ts'

/** A secret for which a ref is refused. */
export interface ReportedLeak {
  readonly kind: ScanItem['kind']
  /** The commits that bring the secret; or the id of an object that is under no commit. */
  readonly commits: readonly string[]
  readonly path: string
  /** The path as it may be printed in a command; undefined when the path holds a secret. */
  readonly safePath: string | undefined
  /** The line that holds the secret. */
  readonly text: string
}

/** The secrets to remove from the commits of a ref. */
export interface RefProblem {
  readonly leaks: readonly ReportedLeak[]
  /** The changes of new commits at the leaks' paths, parents first. */
  readonly changes: readonly Pick<Entry, 'commit' | 'path' | 'mode'>[]
}

/** The most commits that a rebase stops at. */
const MAX_STOPS = 5

/** The places of a commit that hold secrets. */
interface CommitProblems {
  readonly files: ReadonlySet<string | undefined>
  readonly names: ReadonlySet<string | undefined>
  readonly message: boolean
  /** Whether the author or the committer does. */
  readonly identity: boolean
  /** Whether a header does that git commit --amend keeps. */
  readonly header: boolean
}

function problemsIn(commit: string, leaks: readonly ReportedLeak[]): CommitProblems {
  const commitLeaks = leaks.filter(({ commits }) => commits.includes(commit))
  const ofKind = (kind: ScanItem['kind']) => commitLeaks.filter(leak => leak.kind === kind)
  const isIdentity = ({ text }: ReportedLeak) => /^(?:author|committer) /.test(text)
  return {
    files: new Set(ofKind('file').map(({ safePath }) => safePath)),
    names: new Set(ofKind('file name').map(({ safePath }) => safePath)),
    message: ofKind('commit message').length > 0,
    identity: ofKind('commit header').some(isIdentity),
    header: ofKind('commit header').some(leak => !isIdentity(leak)),
  }
}

/** Returns the commits of a ref that hold secrets, parents first. */
function findProblems({ order }: RefHistory, leaks: readonly ReportedLeak[]): Map<string, CommitProblems> {
  const positionOf = (id: string) => order.get(id) ?? -1
  const badCommits = [...new Set(leaks.flatMap(({ commits }) => commits))].filter(id => order.has(id))
  return new Map(
    badCommits.sort((a, b) => positionOf(a) - positionOf(b)).map(id => [id, problemsIn(id, leaks)]),
  )
}

/**
 * Chooses how to rewrite the commits: amend the tip, stop a rebase at each, rewrite all identities by one command, or
 * squash, since a rebase would conflict at every later change of the same files.
 */
export function chooseFix(
  history: RefHistory,
  { leaks, changes }: RefProblem,
): 'amend' | 'edit-each' | 'authors' | 'squash' {
  const { order, tip } = history
  const problemsByCommit = findProblems(history, leaks)
  const all = [...problemsByCommit.values()]
  if (problemsByCommit.keys().next().value === tip) return 'amend'
  if (
    all.every(
      ({ identity, header, message, files, names }) =>
        identity && !header && !message && !files.size && !names.size,
    )
  )
    return 'authors'
  const positionOf = (id: string) => order.get(id) ?? -1
  const isBuiltOn = ({ kind, path, commits }: ReportedLeak) =>
    (kind === 'file' || kind === 'file name') &&
    commits.some(
      id =>
        order.has(id) &&
        changes.some(change => change.path === path && positionOf(change.commit) > positionOf(id)),
    )
  return leaks.some(isBuiltOn) || problemsByCommit.size > MAX_STOPS || all.some(problems => problems.header)
    ? 'squash'
    : 'edit-each'
}

/** Returns the steps that rewrite the commits of a checked-out branch. */
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
      ...[...problemsByCommit.values()].flatMap(problems => amendSteps(problems, parentsOf(tip).length)),
    ]
  if (fix === 'squash')
    return [...explanation, ...squashSteps(badCommits, problemsByCommit, history, refused)]
  const merges = [...descendantsInRef(oldest, history)].some(isMerge) ? '--rebase-merges ' : ''
  const onto = parentsOf(oldest).length === 0 ? '--root' : `${shortId12(oldest)}^`
  if (fix === 'authors')
    return [
      ...explanation,
      SET_IDENTITY,
      'Rewrite the commits with this identity:',
      `  git rebase ${merges}--exec '${RESET_AUTHOR}' ${onto}`,
    ]
  const ids = badCommits.map(shortId7)
  const picks = badCommits.filter(id => !isMerge(id)).map(shortId7)
  const stops = [
    ...(picks.length ? [`s/^pick (?=${picks.join('|')})/edit /`] : []),
    ...badCommits.filter(isMerge).map(id => `s/^merge -C ${shortId7(id)}.*\\K/\\nbreak/`),
  ].join('; ')
  return [
    ...explanation,
    `Stop the rebase at ${ids.length > 1 ? `each of ${ids.join(', ')}` : 'that commit'}:`,
    `  GIT_SEQUENCE_EDITOR="perl -i -pe '${stops}'" git rebase --interactive ${merges}${onto}`,
    ...[...problemsByCommit].flatMap(([id, problems]) => [
      ...(ids.length > 1 ? [`At ${shortId7(id)}:`] : []),
      ...amendSteps(problems, parentsOf(id).length, ' && git rebase --continue'),
    ]),
  ]
}

export const SET_IDENTITY = 'Set user.name and user.email to the right values.'
const RESET_AUTHOR = 'git commit --amend --allow-empty --no-edit --reset-author'

/** Returns the steps that rewrite the checked-out commit. */
function amendSteps(problems: CommitProblems, parents: number, then = ''): string[] {
  const { message, identity, header } = problems
  const parentArgs = Array.from({ length: parents }, (_, i) => ` -p HEAD^${i + 1}`).join('')
  const commands = [
    ...stageCommands(problems.files),
    `git commit --amend --allow-empty ${message ? "--message '<message>'" : '--no-edit'}${identity ? ' --reset-author' : ''}`,
  ]
  const amends = problems.files.size > 0 || problems.names.size > 0 || message || identity
  return [
    ...manualEdits(problems),
    ...(message ? ['Write a new message without the secret:'] : []),
    ...(amends ? [`  ${commands.join(' && ')}${then}`] : []),
    ...(header
      ? [
          'Recreate the commit, since git commit --amend keeps its headers:',
          `  git reset --soft "$(git log -1 --format=%B | git commit-tree 'HEAD^{tree}'${parentArgs})"`,
        ]
      : []),
  ]
}

/** Returns the edits that are made by hand before a commit is written. */
function manualEdits({
  files,
  names,
  identity,
}: Pick<CommitProblems, 'files' | 'names' | 'identity'>): string[] {
  const list = (paths: ReadonlySet<string | undefined>) =>
    [...paths].map(path => path ?? 'the file').join(', ')
  return [
    ...(files.size
      ? [`Take the secret out of ${list(files)} (for example, read it from the environment), then:`]
      : []),
    ...(names.size ? [`Rename ${list(names)} with git mv to a name without the secret, then:`] : []),
    ...(identity ? [SET_IDENTITY] : []),
  ]
}

/**
 * Returns the command that stages the edits. It names no file, so that a file that was removed from git stays removed.
 */
const stageCommands = (files: ReadonlySet<string | undefined>): string[] =>
  files.size > 0 ? ['git add --update'] : []

/** Returns the steps that squash all commits from the first with a secret on. */
function squashSteps(
  badCommits: readonly string[],
  problemsByCommit: ReadonlyMap<string, CommitProblems>,
  history: RefHistory,
  { leaks, changes }: RefProblem,
): string[] {
  const { firstParents, parentsOf, upstreamId, order } = history
  const descendants = new Set(badCommits.flatMap(id => [...descendantsInRef(id, history)]))
  const first = firstParents.findLast(id => descendants.has(id)) ?? history.tip
  const squashed = firstParents.slice(0, firstParents.indexOf(first) + 1)
  // Commits that a merge brought from upstream are not below earlier commits of the line.
  const merges = squashed.some(id => parentsOf(id).length > 1)
  const base = merges && upstreamId !== undefined ? shortId12(upstreamId) : `${shortId12(first)}^`
  const isRoot = parentsOf(first).length === 0 && base === `${shortId12(first)}^`
  const existsAtTip = (path: string) =>
    changes.findLast(change => change.path === path && order.has(change.commit))?.mode !== '000000'
  const remaining = leaks.filter(({ path }) => existsAtTip(path))
  const ofKind = (kind: ScanItem['kind']) =>
    new Set(remaining.filter(leak => leak.kind === kind).map(({ safePath }) => safePath))
  const files = ofKind('file')
  const identity = [...problemsByCommit.values()].some(problems => problems.identity)
  const messageFrom = squashed.findLast(id => !problemsByCommit.get(id)?.message)
  const commit = [
    'git commit --allow-empty',
    messageFrom === undefined ? "--message '<message>'" : `--reuse-message ${shortId12(messageFrom)}`,
    ...(identity && messageFrom !== undefined ? ['--reset-author'] : []),
  ].join(' ')
  const reset = isRoot ? 'git update-ref -d HEAD' : `git reset --soft ${base}`
  return [
    `Later commits build on it: squash all commits from ${shortId7(first)} on into one.`,
    ...manualEdits({ files, names: ofKind('file name'), identity }),
    `  ${[reset, ...stageCommands(files), commit].join(' && ')}`,
  ]
}

/** The id as it is printed for people, and as git's todo list of a rebase begins. */
const shortId7 = (id: string) => id.slice(0, 7)
/** The id as it is printed in commands. */
export const shortId12 = (id: string) => id.slice(0, 12)
