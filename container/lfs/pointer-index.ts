import { forEachField } from '../checks/objects/git-lines.ts'
import { ObjectReader } from '../checks/objects/object-reader.ts'
import type { Git } from '../git/git.ts'
import { MAX_POINTER_BYTES, MIN_POINTER_BYTES, parseLfsPointer } from '../git/lfs-pointer.ts'

/** The ids of the LFS objects that pointers reachable from a mirror's refs name. */
export interface PointerIndex {
  /** Reads the commits that are new since the last call. Calls at once share one reading. */
  update(signal: AbortSignal): Promise<void>
  has(oid: string): boolean
}

/**
 * Creates an empty index. The first update reads every small file in the history, each further update only the
 * new ones. Pointers that a deleted ref named stay in it: they were readable in this repository.
 */
export function createPointerIndex(git: Git): PointerIndex {
  const named = new Set<string>()
  let tips: readonly string[] = []
  let running: Promise<void> | undefined

  const read = async (signal: AbortSignal) => {
    const listed = await git.text(['for-each-ref', '--format=%(objectname)'], { signal })
    const now = [...new Set(listed.split('\n').filter(Boolean))]
    const before = new Set(tips)
    const fresh = now.filter(id => !before.has(id))
    if (fresh.length > 0) {
      const blobs = await smallBlobs(git, fresh, await present(git, tips, signal), signal)
      for (const oid of await pointersIn(git, blobs, signal)) named.add(oid)
    }
    tips = now
  }
  return {
    has: oid => named.has(oid),
    async update(signal) {
      // A caller that waits for a running update may have seen a newer ref, so it updates once more.
      await running?.catch(() => {})
      running ??= read(signal).finally(() => {
        running = undefined
      })
      await running
    },
  }
}

/** Leaves out tips that a refresh has pruned since. */
async function present(git: Git, tips: readonly string[], signal: AbortSignal): Promise<string[]> {
  if (tips.length === 0) return []
  await using objects = new ObjectReader(git, signal)
  const found: string[] = []
  let offset = 0
  for await (const info of objects.info(tips)) {
    const id = tips[offset++]
    if (info && id) found.push(id)
  }
  return found
}

async function smallBlobs(
  git: Git,
  fresh: readonly string[],
  known: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const blobs: string[] = []
  const filter = `--filter=combine:object:type=blob+blob:limit=${MAX_POINTER_BYTES}`
  const input = [...fresh, ...known.map(id => `^${id}`)].map(line => `${line}\n`).join('')
  await forEachField(
    git,
    ['rev-list', '--objects', '--no-object-names', filter, '--stdin'],
    { signal, end: 10, input },
    line => {
      blobs.push(line.toString('latin1'))
    },
  )
  return blobs
}

/** Returns the ids that the pointers among these objects name. */
async function pointersIn(git: Git, ids: readonly string[], signal: AbortSignal): Promise<Set<string>> {
  const named = new Set<string>()
  if (ids.length === 0) return named
  await using objects = new ObjectReader(git, signal)
  for await (const { type, size, parts } of objects.contents(ids, MAX_POINTER_BYTES)) {
    // rev-list lists the given tips whatever the filter says.
    if (type !== 'blob' || size < MIN_POINTER_BYTES || size >= MAX_POINTER_BYTES) continue
    for await (const part of parts) {
      const pointer = parseLfsPointer(part)
      if (pointer) named.add(pointer.oid)
    }
  }
  return named
}
