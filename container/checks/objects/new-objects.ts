import { isNullId } from '../../../src/contract/names.ts'
import { isCreate, isDelete } from '../../git/command-list.ts'
import { UPSTREAM_CONTENT } from '../../git/ref-list.ts'
import { GateFault, type IncomingPush } from '../check.ts'
import { LimitExceeded, type Limits } from '../limits.ts'
import { changedEntries, type Entry, isContent, treeEntries } from './changed-paths.ts'
import { forEachField } from './git-lines.ts'
import { type Commits, newCommits } from './new-commits.ts'
import { notInMirror, receivedObjects } from './received-objects.ts'
import { type TagObject, tagObjects } from './tag-objects.ts'

export interface Place {
  readonly commit: string
  readonly path: string
}

/**
 * The objects, paths and refs that a push introduces: reachable from its refs, and from no ref of the
 * upstream.
 */
export interface NewObjects {
  readonly commits: Commits
  readonly entries: readonly Entry[]
  /** Maps the blob id of each new file content to every place that has it. */
  readonly blobs: ReadonlyMap<string, readonly Place[]>
  /** Paths that no parent has. */
  readonly names: readonly Place[]
  /**
   * Upstream's blobs that a commit changes, moves or deletes, by commit and by their path in a parent. An
   * earlier commit of the same push may have moved the file to that path.
   */
  readonly before: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly tags: readonly TagObject[]
  /** Full names of the refs that are created. */
  readonly refs: readonly string[]
  /** Received objects of any type that no pushed ref reaches and the mirror lacks. */
  readonly unreachable: readonly string[]
  /** The sizes of the received objects, in bytes. Objects that the mirror had before are left out. */
  readonly sizes: ReadonlyMap<string, number>
}

/** The parts of a push that the secret scan reads. */
export type ScanTargets = Omit<NewObjects, 'entries' | 'sizes'>

const cache = new WeakMap<IncomingPush, Promise<NewObjects>>()

/**
 * Returns the objects, paths and refs that a push introduces. All checks share one result. Throws
 * LimitExceeded past `limits`, and GateFault when git fails.
 */
export function newObjectsOf(push: IncomingPush, limits: Limits, signal: AbortSignal): Promise<NewObjects> {
  const cached = cache.get(push)
  if (cached) return cached
  const found = find(push, limits, signal).catch(error => {
    if (error instanceof LimitExceeded || error instanceof GateFault) throw error
    throw new GateFault('the gate could not list what this push introduces', { cause: error })
  })
  cache.set(push, found)
  return found
}

async function find(push: IncomingPush, limits: Limits, signal: AbortSignal): Promise<NewObjects> {
  const tips = push.commands.filter(command => !isDelete(command))
  if (tips.length === 0) return nothingNew()
  const [commits, sizes] = await inParallel(signal, both =>
    Promise.all([newCommits(push, both), receivedObjects(push, limits, both)]),
  )
  const changes = new ChangeCollector(commits)
  const folders = new Set<string>()
  const folder = (id: string) => void folders.add(id)
  const addEntries = (commit: string, changed: readonly Entry[]) => changes.add(commit, changed)
  if (commits.size > 0)
    await changedEntries(push.git, commits, limits, { entries: addEntries, folder }, signal)

  // A tip that is a new commit is no tag.
  const others = tips.filter(tip => !commits.has(tip.new))
  const tags = others.length ? await newTags(push, await tagObjects(push, others, signal), signal) : []
  for (const tag of tags) {
    if (tag.type !== 'tree') continue
    for (const entry of await treeEntries(push.git, tag.id, folder, signal)) addEntries(tag.id, [entry])
  }
  const tagged = new Set(tags.map(tag => tag.id))
  const { entries, blobs, names, before } = changes
  const reached = [commits, blobs, tagged, folders]
  const rest = [...sizes.keys()].filter(id => !reached.some(some => some.has(id)))
  const unreachable = await notInMirror(push.git, rest, signal)
  const refs = tips.filter(isCreate).map(tip => tip.ref)
  return { commits, entries, blobs, names, before, tags, refs, unreachable, sizes }
}

const nothingNew = (): NewObjects => ({
  commits: new Map(),
  entries: [],
  blobs: new Map(),
  names: [],
  before: new Map(),
  tags: [],
  refs: [],
  unreachable: [],
  sizes: new Map(),
})

/** Collects the new files and names from the changed entries of new commits. Parents come before their children. */
class ChangeCollector {
  readonly entries: Entry[] = []
  readonly blobs = new Map<string, Place[]>()
  readonly names: Place[] = []
  readonly before = new Map<string, Map<string, string>>()
  readonly #upstreams: UpstreamBlobs

  constructor(commits: Commits) {
    this.#upstreams = new UpstreamBlobs(commits)
  }

  add(commit: string, changed: readonly Entry[]): void {
    if (changed.length === 0) return
    this.#addOldIds(commit, changed)
    for (const entry of changed) {
      this.entries.push(entry)
      if (entry.mode === '000000') continue
      if (entry.oldIds.every(isNullId)) this.names.push({ commit, path: entry.path })
      if (!isContent(entry.mode) || this.#upstreams.has(entry.id, commit)) continue
      const places = this.blobs.get(entry.id) ?? []
      this.blobs.set(entry.id, places)
      places.push({ commit, path: entry.path })
    }
  }

  /** A parent's entry that no new commit has introduced so far is upstream's. */
  #addOldIds(commit: string, changed: readonly Entry[]): void {
    const old = new Map<string, string>()
    this.before.set(commit, old)
    for (const entry of changed)
      entry.oldIds.forEach((id, i) => {
        if (!isContent(entry.oldModes[i] ?? '000000') || this.blobs.has(id)) return
        this.#upstreams.add(id, commit)
        old.set(entry.path, id)
      })
  }
}

/** The limit of the walk below commits that restore a file. Past it, the file counts as new. */
const MAX_STEPS = 1_000_000

/**
 * Blobs that upstream had before a new commit touched them. They count as upstream's for that commit and its
 * descendants only: another branch may have lost the blob long ago.
 */
class UpstreamBlobs {
  readonly #commits: Commits
  readonly #touchedBy = new Map<string, Set<string>>()
  #steps = 0

  constructor(commits: Commits) {
    this.#commits = commits
  }

  add(blob: string, commit: string): void {
    const by = this.#touchedBy.get(blob)
    if (by) by.add(commit)
    else this.#touchedBy.set(blob, new Set([commit]))
  }

  has(blob: string, commit: string): boolean {
    const by = this.#touchedBy.get(blob)
    if (!by) return false
    const below = new Set([commit])
    for (const id of below) {
      if (by.has(id)) return true
      if (++this.#steps > MAX_STEPS) return false
      for (const parent of this.#commits.get(id) ?? []) if (this.#commits.has(parent)) below.add(parent)
    }
    return false
  }
}

/**
 * Leaves out tags that a ref of upstream already reaches: a second name for a known tag introduces nothing.
 */
async function newTags(
  push: IncomingPush,
  tags: readonly TagObject[],
  signal: AbortSignal,
): Promise<readonly TagObject[]> {
  if (tags.length === 0) return tags
  const args = ['rev-list', '--objects', '--no-object-names', '--stdin', '--not', ...UPSTREAM_CONTENT]
  const fresh = new Set<string>()
  const input = `${[...new Set(tags.map(tag => tag.id))].join('\n')}\n`
  await forEachField(push.git, args, { signal, end: 10, input }, line => {
    fresh.add(line.toString('latin1'))
  })
  return tags.filter(tag => fresh.has(tag.id))
}

/** Runs parallel work under one signal. The first failure aborts the rest. */
async function inParallel<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const failed = new AbortController()
  try {
    return await work(AbortSignal.any([signal, failed.signal]))
  } catch (error) {
    failed.abort(error)
    throw error
  }
}
