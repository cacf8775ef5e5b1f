import { branchAt, shellWord, shortId7, shortId12, stopAt } from '../../git/clone-commands.ts'
import type { Entry } from '../objects/changed-paths.ts'
import type { ScanItem } from '../secrets/gitleaks/scan-files.ts'
import { descendantsInRef, introducingMerge, type RefHistory } from './ref-history.ts'

/** A secret for which a ref is refused. */
export interface ReportedLeak {
  readonly kind: ScanItem['kind']
  /** The commits that bring the secret; or the id of an object that is under no commit. */
  readonly commits: readonly string[]
  readonly path: string
  /** The path as it may be printed in a command; undefined when the path holds a secret. */
  readonly safePath: string | undefined
  /** The number of the line in the newest commit that brings it; 0 when it is in no line. */
  readonly line: number
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
const MAX_STOPS = 20

/** The places of a commit that hold secrets. */
interface CommitProblems {
  readonly files: ReadonlySet<string>
  readonly names: ReadonlySet<string>
  readonly message: boolean
  /** True if the name or address of the author or committer holds a secret. */
  readonly identity: boolean
  /** True if a header that git commit --amend keeps holds a secret. */
  readonly header: boolean
}

const placeOf = ({ safePath = 'the file', line }: ReportedLeak) => `${safePath}${line > 0 ? `:${line}` : ''}`

function problemsIn(leaks: readonly ReportedLeak[]): CommitProblems {
  const ofKind = (kind: ScanItem['kind']) => leaks.filter(leak => leak.kind === kind)
  const isIdentity = ({ text }: ReportedLeak) => /^(?:author|committer) /.test(text)
  return {
    files: new Set(ofKind('file').map(placeOf)),
    names: new Set(ofKind('file name').map(({ safePath = 'the file' }) => safePath)),
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
    badCommits
      .sort((a, b) => positionOf(a) - positionOf(b))
      .map(id => [id, problemsIn(leaks.filter(({ commits }) => commits.includes(id)))]),
  )
}

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
  return leaks.some(leak => isBuiltOn(leak, history, changes)) ||
    problemsByCommit.size > MAX_STOPS ||
    all.some(problems => problems.header)
    ? 'squash'
    : 'edit-each'
}

/** Says whether a later commit of the ref changes the same file. */
const isBuiltOn = (
  { kind, path, commits }: Pick<ReportedLeak, 'kind' | 'path' | 'commits'>,
  { order }: RefHistory,
  changes: RefProblem['changes'],
) =>
  (kind === 'file' || kind === 'file name') &&
  commits.some(id =>
    changes.some(
      change =>
        change.path === path && order.has(id) && (order.get(change.commit) ?? -1) > (order.get(id) ?? 0),
    ),
  )

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
  const merges = [...descendantsInRef(from, history)].some(isMerge) ? ' --rebase-merges' : ''
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

export const stopAtTip = (tip: string): string[] => [
  'Check the pushed commit out (uncommitted work is put aside until the last command):',
  `  ${stopAt(tip)}`,
]

export const SET_IDENTITY = 'Set user.name and user.email to the right values.'
export const RESET_AUTHOR = 'git commit --amend --quiet --allow-empty --no-edit --reset-author'
const CONTINUE = 'git rebase --continue'

/** Returns the steps that rewrite the commit at which a rebase has stopped. */
function amendSteps(problems: CommitProblems, parents: number): string[] {
  const { files, names, message, identity, header } = problems
  const parentArgs = Array.from({ length: parents }, (_, i) => ` -p HEAD^${i + 1}`).join('')
  // The command names no file, so that a file that was removed from git stays removed.
  const amend = `git commit --amend${files.size ? ' --all' : ''} --allow-empty ${message ? "--message '<message>'" : '--no-edit'}${identity ? ' --reset-author' : ''}`
  const amends = files.size > 0 || names.size > 0 || message || identity
  return [
    ...manualEdits(problems),
    ...(message ? ['Write a new message without the secret:'] : []),
    ...(amends ? [`  ${amend}${header ? '' : ` && ${CONTINUE}`}`] : []),
    ...(header
      ? [
          'Recreate the commit, since git commit --amend keeps its headers:',
          `  git reset --soft "$(git log -1 --format=%B | git commit-tree 'HEAD^{tree}'${parentArgs})" && ${CONTINUE}`,
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
  const list = (paths: ReadonlySet<string>) => [...paths].join(', ')
  return [
    ...(files.size
      ? [`Take the secret out of ${list(files)} (for example, read it from the environment), then:`]
      : []),
    ...(names.size ? [`Rename ${list(names)} with git mv to a name without the secret, then:`] : []),
    ...(identity ? [SET_IDENTITY] : []),
  ]
}

/** Returns the steps that squash all commits from the first with a secret on. */
function squashSteps(
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
  const builtOn = leaks.find(leak => isBuiltOn(leak, history, changes))
  const why =
    builtOn !== undefined
      ? `Later commits change ${builtOn.safePath ?? 'the file'} again`
      : problemsByCommit.size > MAX_STOPS
        ? `${problemsByCommit.size} commits hold secrets`
        : 'A rebase keeps the headers of commits'
  return [
    `${why}: squash all commits from ${shortId7(first)} on into one.`,
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
  const descendants = new Set(badCommits.flatMap(id => [...descendantsInRef(id, history)]))
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
