import type { Entry } from '../../objects/changed-paths.ts'
import type { ScanItem } from '../gitleaks/scan-files.ts'
import { descendantsInRef, introducingMerge, type RefHistory } from './ref-history.ts'

/** A secret that a ref is refused for. */
export interface ReportedLeak {
  readonly kind: ScanItem['kind']
  /** The commits that bring it; the object's id, where it is under no commit. */
  readonly commits: readonly string[]
  readonly path: string
  /** The path as a command may have it; undefined when the name itself holds a secret. */
  readonly displayName: string | undefined
  /** The line that holds it. */
  readonly text: string
}

/** What is to be taken out of the commits of a ref. */
export interface RefProblem {
  readonly leaks: readonly ReportedLeak[]
  /** The changes of new commits at the leaks' paths, parents first. */
  readonly changes: readonly Pick<Entry, 'commit' | 'path' | 'mode'>[]
}

/** More commits are not stopped at one by one, and more files are not named. */
const MAX_STOPS = 5

/** What is wrong with one commit. */
interface CommitProblems {
  readonly files: ReadonlySet<string | undefined>
  readonly names: ReadonlySet<string | undefined>
  readonly message: boolean
  /** Its author or committer. */
  readonly identity: boolean
  /** A header that an amended commit keeps. */
  readonly header: boolean
}

function problemsIn(commit: string, leaks: readonly ReportedLeak[]): CommitProblems {
  const commitLeaks = leaks.filter(({ commits }) => commits.includes(commit))
  const ofKind = (kind: ScanItem['kind']) => commitLeaks.filter(each => each.kind === kind)
  const isIdentity = ({ text }: ReportedLeak) => /^(?:author|committer) /.test(text)
  return {
    files: new Set(ofKind('file').map(({ displayName: displayPath }) => displayPath)),
    names: new Set(ofKind('file name').map(({ displayName: displayPath }) => displayPath)),
    message: ofKind('commit message').length > 0,
    identity: ofKind('commit header').some(isIdentity),
    header: ofKind('commit header').some(leak => !isIdentity(leak)),
  }
}

/** The commits of a branch that hold secrets, parents first, and what of each does. */
function findProblems({ order }: RefHistory, leaks: readonly ReportedLeak[]): Map<string, CommitProblems> {
  const positionOf = (id: string) => order.get(id) ?? -1
  const badCommits = [...new Set(leaks.flatMap(({ commits }) => commits))].filter(id => order.has(id))
  return new Map(
    badCommits.sort((a, b) => positionOf(a) - positionOf(b)).map(id => [id, problemsIn(id, leaks)]),
  )
}

/**
 * How to write them anew: the tip alone; each where a rebase stops; all by one command; or all in one commit, since a
 * rebase would stop, in conflict, at every later change of the same files.
 */
export function chooseFix(
  history: RefHistory,
  { leaks, changes }: RefProblem,
): 'amend' | 'stops' | 'authors' | 'one commit' {
  const { order, tip } = history
  const problemsByCommit = findProblems(history, leaks)
  const all = [...problemsByCommit.values()]
  if (problemsByCommit.keys().next().value === tip) return 'amend'
  if (
    all.every(each => each.identity && !each.header && !each.message && !each.files.size && !each.names.size)
  )
    return 'authors'
  const positionOf = (id: string) => order.get(id) ?? -1
  const isBuiltOn = ({ kind, path, commits }: ReportedLeak) =>
    (kind === 'file' || kind === 'file name') &&
    commits.some(
      id =>
        order.has(id) && changes.some(each => each.path === path && positionOf(each.commit) > positionOf(id)),
    )
  return leaks.some(isBuiltOn) || problemsByCommit.size > MAX_STOPS || all.some(each => each.header)
    ? 'one commit'
    : 'stops'
}

/** How to write the commits of a branch anew, with it checked out. */
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
  if (fix === 'one commit')
    return [...explanation, ...oneCommit(badCommits, problemsByCommit, history, refused)]
  const merges = [...descendantsInRef(oldest, history)].some(isMerge) ? '--rebase-merges ' : ''
  const onto = parentsOf(oldest).length === 0 ? '--root' : `${shortId12(oldest)}^`
  if (fix === 'authors')
    return [
      ...explanation,
      SET_IDENTITY,
      'Write the commits anew with them:',
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

export const SET_IDENTITY = 'Set user.name and user.email to what they should be.'
const RESET_AUTHOR = 'git commit --amend --allow-empty --no-edit --reset-author'

/** The commit that is checked out, written anew. */
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
    ...(message ? ['Write the message anew, without the secret:'] : []),
    ...(amends ? [`  ${commands.join(' && ')}${then}`] : []),
    ...(header
      ? [
          'Make the commit anew, since an amended one keeps its headers:',
          `  git reset --soft "$(git log -1 --format=%B | git commit-tree 'HEAD^{tree}'${parentArgs})"`,
        ]
      : []),
  ]
}

/** What is to be done by hand before a commit is written. */
function manualEdits({
  files,
  names,
  identity,
}: Pick<CommitProblems, 'files' | 'names' | 'identity'>): string[] {
  const list = (ofKind: ReadonlySet<string | undefined>) =>
    [...ofKind].map(path => path ?? 'the file').join(', ')
  return [
    ...(files.size
      ? [`Take the secret out of ${list(files)} (read it from the environment, say), then:`]
      : []),
    ...(names.size ? [`Give ${list(names)} a name without the secret, with git mv, then:`] : []),
    ...(identity ? [SET_IDENTITY] : []),
  ]
}

/** The commands that stage what was edited: by no name, or a file that was taken out of git would come back. */
const stageCommands = (files: ReadonlySet<string | undefined>): string[] =>
  files.size > 0 ? ['git add --update'] : []

/** One commit in the place of all from the first bad one on. */
function oneCommit(
  badCommits: readonly string[],
  problemsByCommit: ReadonlyMap<string, CommitProblems>,
  history: RefHistory,
  { leaks, changes }: RefProblem,
): string[] {
  const { firstParents: line, parentsOf, upstreamId: old, order } = history
  const reaches = new Set(badCommits.flatMap(id => [...descendantsInRef(id, history)]))
  const first = line.findLast(id => reaches.has(id)) ?? history.tip
  const after = line.slice(0, line.indexOf(first) + 1)
  // What a merge brought from upstream is under no earlier commit of the line.
  const merges = after.some(id => parentsOf(id).length > 1)
  const base = merges && old !== undefined ? shortId12(old) : `${shortId12(first)}^`
  const isRoot = parentsOf(first).length === 0 && base === `${shortId12(first)}^`
  const existsAtTip = (path: string) =>
    changes.findLast(each => each.path === path && order.has(each.commit))?.mode !== '000000'
  const remaining = leaks.filter(({ path }) => existsAtTip(path))
  const ofKind = (kind: ScanItem['kind']) =>
    new Set(remaining.filter(each => each.kind === kind).map(({ displayName: displayPath }) => displayPath))
  const files = ofKind('file')
  const identity = [...problemsByCommit.values()].some(each => each.identity)
  const messageFrom = after.findLast(id => !problemsByCommit.get(id)?.message)
  const commit = [
    'git commit --allow-empty',
    messageFrom === undefined ? "--message '<message>'" : `--reuse-message ${shortId12(messageFrom)}`,
    ...(identity && messageFrom !== undefined ? ['--reset-author'] : []),
  ].join(' ')
  const reset = isRoot ? 'git update-ref -d HEAD' : `git reset --soft ${base}`
  return [
    `Later commits build on it: make one commit of all from ${shortId7(first)} on.`,
    ...manualEdits({ files, names: ofKind('file name'), identity }),
    `  ${[reset, ...stageCommands(files), commit].join(' && ')}`,
  ]
}

/** As a person reads it, and as git's list of a rebase begins. */
const shortId7 = (id: string) => id.slice(0, 7)
/** As a command has it. */
export const shortId12 = (id: string) => id.slice(0, 12)
