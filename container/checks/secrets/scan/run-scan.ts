import { join } from 'node:path'
import { LimitExceeded, type Limits } from '../../limits.ts'
import type { Searchable } from '../../objects/new-objects.ts'
import type { ThreadLimits } from '../bytes/budget.ts'
import { scanInChild } from './child-client.ts'
import { runScanJob, type ScanJob, type ScanObserver, type ScanResult } from './scan-job.ts'

/**
 * What is searched where the companion's sessions live: it takes some hundredths of a second of theirs. A process
 * takes a tenth of a second to start, and nobody else's time; so what is slow, for whatever reason, goes there too.
 */
const IN_PROCESS_LIMITS: Partial<Limits> & ThreadLimits = {
  maxBytes: 1 << 20,
  maxObjects: 1_000,
  maxUnpackedBytes: 1 << 20,
  maxUnpacks: 200,
  maxMs: 500,
}

/** Objects' names and places, not their contents, are what its heap is for. */
const CHILD_HEAP_MIB = 1_024

/** Searches a small push here, and a large one, or one that turns out to be, in a process of its own. */
export async function runScan(
  job: Omit<ScanJob, 'isInProcess'>,
  observer: ScanObserver,
  {
    inProcessLimits = IN_PROCESS_LIMITS,
    childHeapMib = CHILD_HEAP_MIB,
  }: { readonly inProcessLimits?: Partial<Limits>; readonly childHeapMib?: number } = {},
): Promise<ScanResult> {
  const { newObjects: introduced, folder } = job
  const limits = { ...job.limits, ...inProcessLimits }
  if (objectCount(introduced) <= limits.maxObjects)
    try {
      return await runScanJob({ ...job, limits, folder: join(folder, 'here'), isInProcess: true }, observer)
    } catch (error) {
      if (!(error instanceof LimitExceeded)) throw error
    }
  return scanInChild({ ...job, folder: join(folder, 'apart'), isInProcess: false }, observer, childHeapMib)
}

const objectCount = ({ commits, blobs, names, tags }: Searchable) =>
  commits.size + blobs.size + names.length + tags.length
