import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { LfsObject } from '../../src/contract/lfs.ts'
import {
  GateFault,
  IN_PROCESS_BYTES,
  type LfsDecisions,
  type LfsScan,
  type LfsVerdict,
  type SecretsSettings,
  scanLfsObjects,
} from '../checks/index.ts'

export type Decisions = LfsDecisions

/** An object that waits for its scan. */
export type WaitingObject = LfsObject & { readonly decisions: Decisions }

type Waiting = WaitingObject & {
  readonly path: string
  readonly verdict: PromiseWithResolvers<LfsVerdict>
}

/** The most bytes and objects of one scan of several objects. */
const MAX_BYTES = 64 << 20
const MAX_OBJECTS = 100

/** The scans of one repository at once: a large object must not hold up the small ones. */
const MAX_CONCURRENT = 2

/** Scans the objects of one repository. */
export interface ScanQueue {
  /** Rejects with GateFault. */
  scan(object: LfsObject, path: string, decisions: Decisions): Promise<LfsVerdict>
}

/**
 * Creates a queue that runs few scans at a time. Objects that arrive meanwhile share the next scan, since each
 * scan starts gitleaks.
 */
export function createScanQueue(
  settings: SecretsSettings,
  git: LfsScan['git'],
  scratch: string,
  stop: AbortSignal,
): ScanQueue {
  const waiting: Waiting[] = []
  let running = 0
  const run = async () => {
    if (running >= MAX_CONCURRENT) return
    running += 1
    for (let batch = nextBatch(waiting); batch.length > 0; batch = nextBatch(waiting)) {
      const [first] = batch
      if (!first) break
      const scan = { objects: batch, decisions: first.decisions, git, scratch: join(scratch, randomUUID()) }
      try {
        const verdicts = await scanLfsObjects(scan, settings, stop)
        for (const { oid, verdict } of batch) {
          const own = verdicts.get(oid)
          if (own) verdict.resolve(own)
          else verdict.reject(new GateFault('the gate could not scan this object for secrets'))
        }
      } catch (error) {
        for (const { verdict } of batch) verdict.reject(error)
      }
    }
    running -= 1
  }
  return {
    scan(object, path, decisions) {
      const verdict = Promise.withResolvers<LfsVerdict>()
      waiting.push({ ...object, path, decisions, verdict })
      run()
      return verdict.promise
    },
  }
}

/**
 * Takes the next objects that may share a scan: those judged by the same decisions, within the limits. Small objects
 * share a scan on the companion's own thread: a child process would take longer to start than to scan them.
 */
export function nextBatch<T extends WaitingObject>(waiting: T[]): T[] {
  const [first] = waiting
  if (!first) return []
  const shared = JSON.stringify(first.decisions)
  const maxBytes = first.size <= IN_PROCESS_BYTES ? IN_PROCESS_BYTES : MAX_BYTES
  let bytes = 0
  let count = 0
  for (const { size, decisions } of waiting) {
    bytes += size
    if (count > 0 && (bytes > maxBytes || count >= MAX_OBJECTS || JSON.stringify(decisions) !== shared)) break
    count += 1
  }
  return waiting.splice(0, count)
}

/** Returns the decisions that a pass carries. */
export const decisionsOf = ({ repository, exceptions, declines, gitleaksConfig }: Decisions): Decisions => ({
  repository,
  exceptions,
  declines,
  gitleaksConfig,
})
