import type { LfsUploadResult } from '../../src/contract/lfs.ts'
import type { Decisions } from './scan-queue.ts'

/** The uploads whose object has been received. Two uploads of one object share their scan and their forward. */
export interface Uploads {
  /** Starts the work on an object, unless it runs already. Resolves with its result. */
  run(oid: string, decisions: Decisions, work: () => Promise<LfsUploadResult>): Promise<LfsUploadResult>
  /** Returns the work on an object that runs, or that ended lately. */
  find(oid: string): Promise<LfsUploadResult> | undefined
  /**
   * Returns why an object was refused under the same decisions, or why its last upload failed. git-lfs asks
   * again after each failure, and sends the object again unless it is told so. A failure is told once.
   */
  problem(oid: string, decisions: Decisions): string | undefined
}

interface EndedUpload {
  readonly result: LfsUploadResult
  /** The decisions that the object was judged by. */
  readonly decisions: string
}

/** The results that are kept. */
const MAX_KEPT = 5_000

export function createUploads(): Uploads {
  const running = new Map<string, Promise<LfsUploadResult>>()
  const ended = new Map<string, EndedUpload>()
  const keep = (oid: string, result: EndedUpload) => {
    ended.delete(oid)
    ended.set(oid, result)
    for (const oldest of ended.keys()) {
      if (ended.size <= MAX_KEPT) break
      ended.delete(oldest)
    }
  }
  return {
    run(oid, decisions, work) {
      const before = running.get(oid)
      if (before) return before
      const now = work().finally(() => running.delete(oid))
      running.set(oid, now)
      ended.delete(oid)
      now.then(result => keep(oid, { result, decisions: JSON.stringify(decisions) })).catch(() => {})
      return now
    },
    find(oid) {
      const last = ended.get(oid)
      return running.get(oid) ?? (last && Promise.resolve(last.result))
    },
    problem(oid, decisions) {
      const last = ended.get(oid)
      if (!last || last.result.outcome === 'accepted') return undefined
      if (last.result.outcome === 'failed') ended.delete(oid)
      else if (last.decisions !== JSON.stringify(decisions)) return undefined
      return last.result.message
    },
  }
}
