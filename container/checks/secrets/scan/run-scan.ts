import { join } from 'node:path'
import type { Git } from '../../../git/git.ts'
import { LimitExceeded, type Limits } from '../../limits.ts'
import type { ScanTargets } from '../../objects/new-objects.ts'
import type { ThreadLimits } from '../bytes/budget.ts'
import { neededRulesOf } from '../gitleaks/needed-rules.ts'
import { scanInChild } from './child-client.ts'
import { runScanJob, type ScanJob, type ScanObserver, type ScanResult } from './scan-job.ts'

/** The most bytes of a scan on the companion's own thread. */
export const IN_PROCESS_BYTES = 1 << 20

/**
 * The largest scan on the companion's own thread: it takes some hundredths of a second of the other sessions. A child
 * process takes a tenth of a second to start and delays no session, so a slow scan is repeated there, whatever makes it
 * slow.
 */
const IN_PROCESS_LIMITS: Partial<Limits> & ThreadLimits = {
  maxBytes: IN_PROCESS_BYTES,
  maxObjects: 1_000,
  maxUnpackedBytes: 1 << 20,
  maxUnpacks: 200,
  maxMs: 500,
}

const CHILD_HEAP_MIB = 1_024

interface ScanPlacement {
  readonly inProcessLimits?: Partial<Limits>
  readonly childHeapMib?: number
  readonly minSharedBytes?: number
}

/**
 * Scans a small push on this thread, by `git` if it is given, and any other in a child process. Throws LimitExceeded or
 * GateFault.
 */
export async function runScan(
  job: Omit<ScanJob, 'isInProcess'>,
  observer: ScanObserver,
  { inProcessLimits = IN_PROCESS_LIMITS, childHeapMib = CHILD_HEAP_MIB, minSharedBytes }: ScanPlacement = {},
  git?: Git,
): Promise<ScanResult> {
  const { newObjects, folder } = job
  const limits = { ...job.limits, ...inProcessLimits }
  if (objectCount(newObjects) <= limits.maxObjects)
    try {
      return await runScanJob(
        // A small scan takes less time than a look at what is known.
        { ...job, knownClean: undefined, limits, folder: join(folder, 'here'), isInProcess: true },
        observer,
        git,
      )
    } catch (error) {
      if (!(error instanceof LimitExceeded)) throw error
    }
  const rules = (await neededRulesOf(job.gitleaks))?.written
  return scanInChild(
    { ...job, rules, minSharedBytes, folder: join(folder, 'apart'), isInProcess: false },
    observer,
    childHeapMib,
  )
}

const objectCount = ({ commits, blobs, names, tags }: ScanTargets) =>
  commits.size + blobs.size + names.length + tags.length
