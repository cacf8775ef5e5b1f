import { availableParallelism } from 'node:os'
import type { ScanTargets } from '../../../objects/new-objects.ts'
import type { Predecessors } from '../../new-text/predecessors.ts'
import { bytesToScan } from '../read-push.ts'

/** A thread's start takes as long as a scan of about 1 MiB. Memory is bounded for one thread beside the first. */
const MIN_SHARED_BYTES = availableParallelism() > 1 ? 3 << 20 : Number.POSITIVE_INFINITY

interface Shares {
  readonly own: ScanTargets
  /** The files for another thread; undefined: they are too few. */
  readonly other: ScanTargets | undefined
}

interface ShareOptions {
  readonly sizes: ReadonlyMap<string, number>
  readonly predecessors: Predecessors
  readonly minSharedBytes?: number | undefined
}

/**
 * Divides the files of a push by their first path into two shares of about the same work, so that the versions of a file
 * are compared in one thread.
 */
export function sharesOf(
  targets: ScanTargets,
  { sizes, predecessors, minSharedBytes = MIN_SHARED_BYTES }: ShareOptions,
): Shares {
  const bytesOf = (id: string) => bytesToScan(sizes.get(id) ?? 0, predecessors.has(id))
  const tagged = new Set(targets.tags.map(({ id }) => id))
  const groups = new Map<string, { readonly ids: string[]; bytes: number }>()
  let total = 0
  for (const [id, places] of targets.blobs) {
    total += bytesOf(id)
    // A tag's file has a place of its own only where no commit has it.
    if (tagged.has(id)) continue
    const path = places[0]?.path ?? ''
    const group = groups.get(path) ?? { ids: [], bytes: 0 }
    groups.set(path, group)
    group.ids.push(id)
    group.bytes += bytesOf(id)
  }
  if (total < minSharedBytes) return { own: targets, other: undefined }
  const others = new Set<string>()
  let ownBytes = 0
  let otherBytes = 0
  for (const { ids, bytes } of [...groups.values()].sort((a, b) => b.bytes - a.bytes))
    if (otherBytes < ownBytes) {
      otherBytes += bytes
      for (const id of ids) others.add(id)
    } else ownBytes += bytes
  if (others.size === 0) return { own: targets, other: undefined }
  const blobsWhere = (isOther: boolean) =>
    new Map([...targets.blobs].filter(([id]) => others.has(id) === isOther))
  return { own: { ...targets, blobs: blobsWhere(false) }, other: filesAlone(blobsWhere(true)) }
}

const filesAlone = (blobs: ScanTargets['blobs']): ScanTargets => ({
  commits: new Map(),
  blobs,
  names: [],
  before: new Map(),
  tags: [],
  refs: [],
  unreachable: [],
})
