import type { Entry } from '../../objects/changed-paths.ts'
import type { Item } from '../gitleaks/scan-files.ts'
import { above, type Brought, cameWith } from './ref-history.ts'

/** A secret that a ref is refused for. */
export interface Leak {
  readonly kind: Item['kind']
  /** The commits that bring it; the object's id, where it is under no commit. */
  readonly commits: readonly string[]
  readonly path: string
  /** The path as a command may have it; undefined when the name itself holds a secret. */
  readonly shown: string | undefined
  /** The line that holds it. */
  readonly text: string
}

/** What is to be taken out of the commits of a ref. */
export interface Leaking {
  readonly leaks: readonly Leak[]
  /** The changes of new commits at the leaks' paths, parents first. */
  readonly changes: readonly Pick<Entry, 'commit' | 'path' | 'mode'>[]
}

/** More commits are not stopped at one by one, and more files are not named. */
const MOST = 5

/** What is wrong with one commit. */
interface Wrong {
  readonly files: ReadonlySet<string | undefined>
  readonly names: ReadonlySet<string | undefined>
  readonly message: boolean
  /** Its author or committer. */
  readonly maker: boolean
  /** A header that an amended commit keeps. */
  readonly header: boolean
}

function wrongWith(commit: string, leaks: readonly Leak[]): Wrong {
  const here = leaks.filter(({ commits }) => commits.includes(commit))
  const of = (kind: Item['kind']) => here.filter(each => each.kind === kind)
  const isMaker = ({ text }: Leak) => /^(?:author|committer) /.test(text)
  return {
    files: new Set(of('file').map(({ shown }) => shown)),
    names: new Set(of('file name').map(({ shown }) => shown)),
    message: of('commit message').length > 0,
    maker: of('commit header').some(isMaker),
    header: of('commit header').some(leak => !isMaker(leak)),
  }
}

/** The commits of a branch that hold secrets, parents first, and what of each does. */
function wrongsOf({ order }: Brought, leaks: readonly Leak[]): Map<string, Wrong> {
  const place = (id: string) => order.get(id) ?? -1
  const bad = [...new Set(leaks.flatMap(({ commits }) => commits))].filter(id => order.has(id))
  return new Map(bad.sort((a, b) => place(a) - place(b)).map(id => [id, wrongWith(id, leaks)]))
}

/**
 * How to write them anew: the tip alone; each where a rebase stops; all by one command; or all in one commit, since a
 * rebase would stop, in conflict, at every later change of the same files.
 */
export function wayFor(
  brought: Brought,
  { leaks, changes }: Leaking,
): 'amend' | 'stops' | 'authors' | 'one commit' {
  const { order, tip } = brought
  const wrongs = wrongsOf(brought, leaks)
  const all = [...wrongs.values()]
  if (wrongs.keys().next().value === tip) return 'amend'
  if (all.every(each => each.maker && !each.header && !each.message && !each.files.size && !each.names.size))
    return 'authors'
  const place = (id: string) => order.get(id) ?? -1
  const isBuiltOn = ({ kind, path, commits }: Leak) =>
    (kind === 'file' || kind === 'file name') &&
    commits.some(
      id => order.has(id) && changes.some(each => each.path === path && place(each.commit) > place(id)),
    )
  return leaks.some(isBuiltOn) || wrongs.size > MOST || all.some(each => each.header) ? 'one commit' : 'stops'
}

/** How to write the commits of a branch anew, with it checked out. */
export function mend(brought: Brought, refused: Leaking): string[] {
  const { tip, parentsOf } = brought
  const wrongs = wrongsOf(brought, refused.leaks)
  const bad = [...wrongs.keys()]
  const [oldest = tip] = bad
  const way = wayFor(brought, refused)
  const isMerge = (id: string) => parentsOf(id).length > 1
  const held = bad.filter(id => isMerge(id) && wrongs.get(id)?.files.size)
  const came = cameWith(oldest, brought)
  const how = [
    ...(came
      ? [
          `It came in with the merge ${short(came.merge)}, through its parent ${came.parent} (${short(came.parentId)}).`,
        ]
      : []),
    ...held.map(id => `The merge ${short(id)} itself holds it: no parent has this version of the file.`),
  ]
  if (way === 'amend')
    return [...how, ...[...wrongs.values()].flatMap(wrong => amend(wrong, parentsOf(tip).length))]
  if (way === 'one commit') return [...how, ...oneCommit(bad, wrongs, brought, refused)]
  const merges = [...above(oldest, brought)].some(isMerge) ? '--rebase-merges ' : ''
  const onto = parentsOf(oldest).length === 0 ? '--root' : `${exact(oldest)}^`
  if (way === 'authors')
    return [
      ...how,
      WHO,
      'Write the commits anew with them:',
      `  git rebase ${merges}--exec '${RESET_AUTHOR}' ${onto}`,
    ]
  const ids = bad.map(short)
  const picks = bad.filter(id => !isMerge(id)).map(short)
  const stops = [
    ...(picks.length ? [`s/^pick (?=${picks.join('|')})/edit /`] : []),
    ...bad.filter(isMerge).map(id => `s/^merge -C ${short(id)}.*\\K/\\nbreak/`),
  ].join('; ')
  return [
    ...how,
    `Stop the rebase at ${ids.length > 1 ? `each of ${ids.join(', ')}` : 'that commit'}:`,
    `  GIT_SEQUENCE_EDITOR="perl -i -pe '${stops}'" git rebase --interactive ${merges}${onto}`,
    ...[...wrongs].flatMap(([id, wrong]) => [
      ...(ids.length > 1 ? [`At ${short(id)}:`] : []),
      ...amend(wrong, parentsOf(id).length, ' && git rebase --continue'),
    ]),
  ]
}

export const WHO = 'Set user.name and user.email to what they should be.'
const RESET_AUTHOR = 'git commit --amend --allow-empty --no-edit --reset-author'

/** The commit that is checked out, written anew. */
function amend(wrong: Wrong, parents: number, then = ''): string[] {
  const { message, maker, header } = wrong
  const named = Array.from({ length: parents }, (_, i) => ` -p HEAD^${i + 1}`).join('')
  const commands = [
    ...adding(wrong.files),
    `git commit --amend --allow-empty ${message ? "--message '<message>'" : '--no-edit'}${maker ? ' --reset-author' : ''}`,
  ]
  const amends = wrong.files.size > 0 || wrong.names.size > 0 || message || maker
  return [
    ...edits(wrong),
    ...(message ? ['Write the message anew, without the secret:'] : []),
    ...(amends ? [`  ${commands.join(' && ')}${then}`] : []),
    ...(header
      ? [
          'Make the commit anew, since an amended one keeps its headers:',
          `  git reset --soft "$(git log -1 --format=%B | git commit-tree 'HEAD^{tree}'${named})"`,
        ]
      : []),
  ]
}

/** What is to be done by hand before a commit is written. */
function edits({ files, names, maker }: Pick<Wrong, 'files' | 'names' | 'maker'>): string[] {
  const list = (of: ReadonlySet<string | undefined>) => [...of].map(path => path ?? 'the file').join(', ')
  return [
    ...(files.size
      ? [`Take the secret out of ${list(files)} (read it from the environment, say), then:`]
      : []),
    ...(names.size ? [`Give ${list(names)} a name without the secret, with git mv, then:`] : []),
    ...(maker ? [WHO] : []),
  ]
}

/** The commands that stage what was edited: by no name, or a file that was taken out of git would come back. */
const adding = (files: ReadonlySet<string | undefined>): string[] =>
  files.size > 0 ? ['git add --update'] : []

/** One commit in the place of all from the first bad one on. */
function oneCommit(
  bad: readonly string[],
  wrongs: ReadonlyMap<string, Wrong>,
  brought: Brought,
  { leaks, changes }: Leaking,
): string[] {
  const { line, parentsOf, old, order } = brought
  const reaches = new Set(bad.flatMap(id => [...above(id, brought)]))
  const first = line.findLast(id => reaches.has(id)) ?? brought.tip
  const after = line.slice(0, line.indexOf(first) + 1)
  // What a merge brought from upstream is under no earlier commit of the line.
  const merges = after.some(id => parentsOf(id).length > 1)
  const base = merges && old !== undefined ? exact(old) : `${exact(first)}^`
  const isRoot = parentsOf(first).length === 0 && base === `${exact(first)}^`
  const isThere = (path: string) =>
    changes.findLast(each => each.path === path && order.has(each.commit))?.mode !== '000000'
  const left = leaks.filter(({ path }) => isThere(path))
  const of = (kind: Item['kind']) =>
    new Set(left.filter(each => each.kind === kind).map(({ shown }) => shown))
  const files = of('file')
  const maker = [...wrongs.values()].some(each => each.maker)
  const words = after.findLast(id => !wrongs.get(id)?.message)
  const commit = [
    'git commit --allow-empty',
    words === undefined ? "--message '<message>'" : `--reuse-message ${exact(words)}`,
    ...(maker && words !== undefined ? ['--reset-author'] : []),
  ].join(' ')
  const reset = isRoot ? 'git update-ref -d HEAD' : `git reset --soft ${base}`
  return [
    `Later commits build on it: make one commit of all from ${short(first)} on.`,
    ...edits({ files, names: of('file name'), maker }),
    `  ${[reset, ...adding(files), commit].join(' && ')}`,
  ]
}

/** As a person reads it, and as git's list of a rebase begins. */
const short = (id: string) => id.slice(0, 7)
/** As a command has it. */
export const exact = (id: string) => id.slice(0, 12)
