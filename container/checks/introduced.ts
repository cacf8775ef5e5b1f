import { ZERO_ID } from '../../src/contract/names.ts'
import { isCreate, isDelete } from '../commands.ts'
import type { Git } from '../git.ts'
import { GateFault, type IncomingPush } from './check.ts'
import { inBytes, type Limits, OverLimit } from './limits.ts'
import { lines } from './lines.ts'
import { ObjectReader } from './object-reader.ts'
import { tagTarget } from './refs-with.ts'

/** A changed entry of a new commit: what the commit has there, and what each of its parents had. */
export interface Entry {
  readonly commit: string
  readonly path: string
  /** As git writes it: `100644`, `100755`, `120000` (symbolic link), `160000` (submodule); `000000`: deleted. */
  readonly mode: string
  readonly id: string
  readonly oldModes: readonly string[]
  readonly oldIds: readonly string[]
}

export interface Place {
  readonly commit: string
  readonly path: string
}

/** A tag object or what it points at, met on the way from a ref to a commit. */
export interface TagObject {
  readonly id: string
  readonly ref: string
  readonly type: string
  readonly content: Buffer
}

/** Everything a push introduces: what its refs reach and no ref of the upstream does. */
export interface Introduced {
  /** New commits with their parents, parents first. */
  readonly commits: ReadonlyMap<string, readonly string[]>
  readonly entries: readonly Entry[]
  /** New file contents, by blob id, and the first commit that has each at each path. */
  readonly blobs: ReadonlyMap<string, ReadonlyMap<string, Place>>
  /** New paths. */
  readonly names: readonly Place[]
  /** What upstream has at the paths that a commit changes: blob ids by commit. */
  readonly before: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly tags: readonly TagObject[]
  /** Full names of the refs that are created. */
  readonly refs: readonly string[]
}

const known = new WeakMap<IncomingPush, Promise<Introduced>>()

/** What the push introduces, found once for all checks. Throws OverLimit, or GateFault when git could not tell. */
export function introducedBy(push: IncomingPush, limits: Limits, signal: AbortSignal): Promise<Introduced> {
  const before = known.get(push)
  if (before) return before
  const now = find(push, limits, signal).catch(error => {
    if (error instanceof OverLimit || error instanceof GateFault) throw error
    throw new GateFault('the gate could not list what this push introduces', { cause: error })
  })
  known.set(push, now)
  return now
}

const isContent = (mode: string) => mode !== '000000' && mode !== '160000'

async function find(push: IncomingPush, limits: Limits, signal: AbortSignal): Promise<Introduced> {
  const tips = push.commands.filter(command => !isDelete(command))
  if (tips.length === 0)
    return {
      commits: new Map(),
      entries: [],
      blobs: new Map(),
      names: [],
      before: new Map(),
      tags: [],
      refs: [],
    }
  const commits = await together(signal, both =>
    Promise.all([
      newCommits(push.git, [...new Set(tips.map(tip => tip.new))], both),
      boundReceivedObjects(push.git, limits, both),
    ]),
  ).then(([found]) => found)
  const entries: Entry[] = []
  const blobs = new Map<string, Map<string, Place>>()
  const names: Place[] = []
  const before = new Map<string, Map<string, string>>()
  /** Blobs that were upstream's before a new commit touched them. */
  const upstreams = new Set<string>()

  const take = (commit: string, changed: readonly Entry[]) => {
    if (changed.length === 0) return
    const old = new Map<string, string>()
    before.set(commit, old)
    // A parent's entry that no new commit has introduced so far is upstream's: parents come first.
    for (const entry of changed) {
      entry.oldIds.forEach((id, i) => {
        if (!isContent(entry.oldModes[i] ?? '000000') || blobs.has(id)) return
        upstreams.add(id)
        old.set(entry.path, id)
      })
    }
    for (const entry of changed) {
      entries.push(entry)
      if (entry.mode === '000000') continue
      if (entry.oldIds.every(id => id === ZERO_ID)) names.push({ commit, path: entry.path })
      if (!isContent(entry.mode) || upstreams.has(entry.id)) continue
      const places = blobs.get(entry.id) ?? new Map<string, Place>()
      blobs.set(entry.id, places)
      if (!places.has(entry.path)) places.set(entry.path, { commit, path: entry.path })
    }
  }
  if (commits.size > 0) await changes(push.git, commits, limits, take, signal)

  // A tip among the new commits is one, and no tag.
  const others = tips.filter(tip => !commits.has(tip.new))
  const tags = others.length ? await tagObjects(push, others, signal) : []
  for (const tag of tags) {
    if (tag.type !== 'tree') continue
    for await (const entry of treeEntries(push.git, tag.id, signal)) take(tag.id, [entry])
  }
  return { commits, entries, blobs, names, before, tags, refs: tips.filter(isCreate).map(tip => tip.ref) }
}

/** Runs what may run at the same time; the failure of one ends the others. */
async function together<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const failed = new AbortController()
  try {
    return await work(AbortSignal.any([signal, failed.signal]))
  } catch (error) {
    failed.abort(error)
    throw error
  }
}

/** What was received, before anything reads it: a bomb is known by the number and the sizes of its objects. */
async function boundReceivedObjects(git: Git, limits: Limits, signal: AbortSignal): Promise<void> {
  const quarantine = git.env.GIT_OBJECT_DIRECTORY
  if (!quarantine) return
  await lines(
    git,
    [
      'cat-file',
      '--batch-all-objects',
      '--unordered',
      '--buffer',
      '--batch-check=%(objecttype) %(objectsize)',
    ],
    { signal, end: 10, env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: '' } },
    (() => {
      let count = 0
      return (line: Buffer) => {
        const [type, size] = line.toString('latin1').split(' ')
        if (++count > limits.maxObjects)
          throw new OverLimit(`it has more than ${limits.maxObjects} objects`, 'push it in smaller parts')
        if (type === 'tree' && Number(size) > limits.maxTreeBytes)
          throw new OverLimit(
            `a folder in it is listed in ${inBytes(Number(size))}`,
            'spread the files over more folders',
          )
        if (type !== 'blob' && Number(size) > limits.maxTreeBytes)
          throw new OverLimit(`a ${type} in it is ${inBytes(Number(size))} long`, 'shorten its message')
      }
    })(),
  )
}

async function newCommits(git: Git, tips: readonly string[], signal: AbortSignal) {
  const commits = new Map<string, string[]>()
  await lines(
    git,
    ['rev-list', '--topo-order', '--reverse', '--parents', '--stdin', '--not', '--all'],
    { signal, end: 10, input: `${tips.join('\n')}\n` },
    line => {
      const [id, ...parents] = line.toString('latin1').split(' ')
      if (id) commits.set(id, parents)
    },
  )
  return commits
}

/**
 * Git collects all of a commit's changed entries before it prints the first. A few small trees, each many times in the
 * next, make more of them than any memory holds; what may be pushed takes a fifth of this.
 */
const DIFF_KIB = 512 << 10

/** The entries of each new commit that differ from every parent's, by git's own combined diff (git-diff-tree(1)). */
async function changes(
  git: Git,
  commits: ReadonlyMap<string, readonly string[]>,
  limits: Limits,
  take: (commit: string, entries: readonly Entry[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let commit = ''
  let head: Omit<Entry, 'path' | 'commit'> | undefined
  let entries: Entry[] = []
  let count = 0
  const args = [
    'diff-tree',
    '--stdin',
    '--root',
    '-r',
    '-c',
    '--raw',
    '--no-renames',
    '--no-abbrev',
    '--no-ext-diff',
    '-z',
  ]
  const tooMany = () =>
    new OverLimit(`its commits change more than ${limits.maxObjects} files`, 'push it in smaller parts')
  const input = `${[...commits.keys()].join('\n')}\n`
  await lines(git, args, { signal, end: 0, input, maxDataKiB: DIFF_KIB, outOfMemory: tooMany }, field => {
    if (head) {
      if (++count > limits.maxObjects) throw tooMany()
      entries.push({ commit, path: field.toString('utf8'), ...head })
      head = undefined
    } else if (field[0] === 58) {
      head = rawHead(field.toString('latin1'))
    } else {
      take(commit, entries)
      entries = []
      commit = field.toString('latin1')
      if (!commits.has(commit)) throw new Error('git diff-tree speaks of a commit it was not asked about')
    }
  })
  take(commit, entries)
  if (head) throw new Error('git diff-tree ended early')
}

/** `:<old mode> <mode> <old id> <id> <status>`, with a colon, an old mode and an old id for each parent. */
export function rawHead(text: string): Omit<Entry, 'path' | 'commit'> {
  const parents = /^:+/.exec(text)?.[0].length ?? 0
  const words = text.slice(parents).split(' ')
  const mode = words[parents]
  const id = words[2 * parents + 1]
  if (parents === 0 || !mode || !id || words.length !== 2 * parents + 3)
    throw new Error('git diff-tree cannot be read')
  return { mode, id, oldModes: words.slice(0, parents), oldIds: words.slice(parents + 1, 2 * parents + 1) }
}

async function tagObjects(push: IncomingPush, tips: IncomingPush['commands'], signal: AbortSignal) {
  const found: TagObject[] = []
  await using objects = new ObjectReader(push.git, signal)
  for (const tip of tips) {
    let id: string = tip.new
    for (let depth = 0; ; depth++) {
      if (depth > 20)
        throw new OverLimit(
          `${tip.ref} is a tag of a tag of a tag, more than 20 deep`,
          'tag the commit itself',
        )
      const info = (await objects.info([id]).next()).value
      if (!info) throw new Error(`object ${id} is missing`)
      if (info.type === 'commit') break
      if (info.type !== 'tag') {
        found.push({ id, ref: tip.ref, type: info.type, content: Buffer.alloc(0) })
        break
      }
      const tag = await objects.whole(id, 32 << 20)
      if (!tag) throw new Error(`tag ${id} cannot be read`)
      found.push({ id, ref: tip.ref, type: 'tag', content: tag.content })
      const target = tagTarget(tag.content)
      if (!target) throw new Error(`tag ${id} has no object`)
      id = target
    }
  }
  return found
}

async function* treeEntries(git: Git, tree: string, signal: AbortSignal): AsyncGenerator<Entry> {
  const entries: Entry[] = []
  await lines(git, ['ls-tree', '-r', '-z', '--full-tree', tree], { signal, end: 0 }, field => {
    const tab = field.indexOf(9)
    const [mode, , id] = field.subarray(0, tab).toString('latin1').split(' ')
    if (!mode || !id) throw new Error('git ls-tree cannot be read')
    entries.push({
      commit: tree,
      path: field.subarray(tab + 1).toString('utf8'),
      mode,
      id,
      oldModes: [],
      oldIds: [],
    })
    if (entries.length > 250_000)
      throw new OverLimit('a tag holds more than 250000 files', 'tag a commit instead')
  })
  yield* entries
}
