import { ZERO_ID } from '../../../src/contract/names.ts'
import { isCreate, isDelete } from '../../git/command-list.ts'
import { GateFault, type IncomingPush } from '../check.ts'
import { LimitExceeded, type Limits } from '../limits.ts'
import { changedEntries, type Entry, isContent, treeEntries } from './changed-paths.ts'
import { lines } from './git-lines.ts'
import { type Commits, newCommits } from './new-commits.ts'
import { missingIn, receivedObjects } from './received-objects.ts'
import { type TagObject, tagObjects } from './tag-objects.ts'

export interface Place {
  readonly commit: string
  readonly path: string
}

/** Everything a push introduces: what its refs reach and no ref of the upstream does. */
export interface Introduced {
  readonly commits: Commits
  readonly entries: readonly Entry[]
  /** New file contents, by blob id, and every place that a commit gives each. */
  readonly blobs: ReadonlyMap<string, readonly Place[]>
  /** New paths. */
  readonly names: readonly Place[]
  /**
   * Upstream's files that a commit changes, moves or deletes: their blobs, by commit and by the path that a parent has
   * each at. The file is upstream's; the path need not be, since a commit before in the same push may have given it.
   */
  readonly before: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly tags: readonly TagObject[]
  /** Full names of the refs that are created. */
  readonly refs: readonly string[]
  /** Received objects of any type that none of the refs reaches, and the mirror lacks. */
  readonly strays: readonly string[]
  /** The sizes in bytes of what was received; what the mirror had before is not among it. */
  readonly sizes: ReadonlyMap<string, number>
}

/** What of it is searched for secrets. */
export type Searchable = Omit<Introduced, 'entries' | 'sizes'>

const known = new WeakMap<IncomingPush, Promise<Introduced>>()

/** What the push introduces, found once for all checks. Throws LimitExceeded, or GateFault when git could not tell. */
export function introducedBy(push: IncomingPush, limits: Limits, signal: AbortSignal): Promise<Introduced> {
  const before = known.get(push)
  if (before) return before
  const now = find(push, limits, signal).catch(error => {
    if (error instanceof LimitExceeded || error instanceof GateFault) throw error
    throw new GateFault('the gate could not list what this push introduces', { cause: error })
  })
  known.set(push, now)
  return now
}

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
      strays: [],
      sizes: new Map(),
    }
  const [commits, sizes] = await together(signal, both =>
    Promise.all([newCommits(push, both), receivedObjects(push.git, limits, both)]),
  )
  const entries: Entry[] = []
  const blobs = new Map<string, Place[]>()
  const names: Place[] = []
  const before = new Map<string, Map<string, string>>()
  const upstreams = new HadUpstream(commits)
  const folders = new Set<string>()
  const folder = (id: string) => void folders.add(id)

  const take = (commit: string, changed: readonly Entry[]) => {
    if (changed.length === 0) return
    const old = new Map<string, string>()
    before.set(commit, old)
    // A parent's entry that no new commit has introduced so far is upstream's: parents come first.
    for (const entry of changed) {
      entry.oldIds.forEach((id, i) => {
        if (!isContent(entry.oldModes[i] ?? '000000') || blobs.has(id)) return
        upstreams.add(id, commit)
        old.set(entry.path, id)
      })
    }
    for (const entry of changed) {
      entries.push(entry)
      if (entry.mode === '000000') continue
      if (entry.oldIds.every(id => id === ZERO_ID)) names.push({ commit, path: entry.path })
      if (!isContent(entry.mode) || upstreams.has(entry.id, commit)) continue
      const places = blobs.get(entry.id) ?? []
      blobs.set(entry.id, places)
      places.push({ commit, path: entry.path })
    }
  }
  if (commits.size > 0) await changedEntries(push.git, commits, limits, { entries: take, folder }, signal)

  // A tip among the new commits is one, and no tag.
  const others = tips.filter(tip => !commits.has(tip.new))
  const tags = others.length ? await newTags(push, await tagObjects(push, others, signal), signal) : []
  for (const tag of tags) {
    if (tag.type !== 'tree') continue
    for (const entry of await treeEntries(push.git, tag.id, folder, signal)) take(tag.id, [entry])
  }
  const tagged = new Set(tags.map(tag => tag.id))
  const reached = [commits, blobs, tagged, folders]
  const rest = [...sizes.keys()].filter(id => !reached.some(some => some.has(id)))
  const strays = await missingIn(push.git, rest, signal)
  const refs = tips.filter(isCreate).map(tip => tip.ref)
  return { commits, entries, blobs, names, before, tags, refs, strays, sizes }
}

/** The commits that are walked to learn what is below those that bring a file back; beyond, it counts as new. */
const MAX_STEPS = 1_000_000

/**
 * Blobs that were upstream's before a new commit touched them. They are so for that commit and those on top of it:
 * another's history may have lost them long ago.
 */
class HadUpstream {
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

/** Without those that a ref of upstream reaches already: a tag under a second name is none that is new. */
async function newTags(
  push: IncomingPush,
  tags: readonly TagObject[],
  signal: AbortSignal,
): Promise<readonly TagObject[]> {
  if (tags.length === 0) return tags
  const args = ['rev-list', '--objects', '--no-object-names', '--stdin', '--not', '--all']
  const fresh = new Set<string>()
  const input = `${[...new Set(tags.map(tag => tag.id))].join('\n')}\n`
  await lines(push.git, args, { signal, end: 10, input }, line => {
    fresh.add(line.toString('latin1'))
  })
  return tags.filter(tag => fresh.has(tag.id))
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
