import { Worker } from 'node:worker_threads'
import type { Git } from '../../../../git/git.ts'
import type { BudgetCounts } from '../../bytes/budget.ts'
import type { WrittenRules } from '../../gitleaks/needed-rules.ts'
import type { BatchOptions } from '../batches.ts'
import { type Failure, toError } from '../failure.ts'
import type { ReadOptions } from '../read-push.ts'
import type { ShareResult } from './scan-share.ts'

/** A share of a scan as plain data, for a thread. */
export interface ShareJob
  extends Pick<ReadOptions, 'newObjects' | 'predecessors' | 'limits' | 'folder'>,
    Pick<BatchOptions, 'gitleaks'> {
  readonly git: Pick<Git, 'dir' | 'env'>
  /** The operator's configuration. */
  readonly gitleaksConfig: string
  readonly sizes: ReadonlyMap<string, number>
  readonly counts: BudgetCounts
  readonly rules: WrittenRules | undefined
}

/** A message from the thread: a phase, bytes given to a gitleaks, and at the end the result or the failure. */
export type ShareMessage =
  | { readonly phase: string }
  | { readonly scannedBytes: number }
  | { readonly result: ShareResult }
  | { readonly failed: Failure }

const HEAP_MIB = 512

/**
 * Scans a share in a thread of this process, which ends with the signal. Processes that the thread leaves then are in
 * the process group of the scan, which the companion kills (child-client.ts). Throws as runScanJob does, and an Error
 * when the thread ends without a reply.
 */
export async function scanShareInThread(
  job: ShareJob,
  { signal, onPhase, onScanned }: Pick<BatchOptions, 'signal' | 'onPhase' | 'onScanned'>,
  heapMib = HEAP_MIB,
): Promise<ShareResult> {
  signal.throwIfAborted()
  const worker = new Worker(new URL('./share-thread.ts', import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: heapMib },
  })
  const { promise, resolve, reject } = Promise.withResolvers<ShareResult>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  worker.on('message', (message: ShareMessage) => {
    if ('phase' in message) onPhase(`second half: ${message.phase}`)
    else if ('scannedBytes' in message) onScanned?.(message.scannedBytes)
    else if ('result' in message) resolve(message.result)
    else reject(toError(message.failed))
  })
  worker.once('error', reject)
  worker.once('exit', () => reject(new Error('a thread of the scan ended without an answer')))
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', stop)
    await worker.terminate()
  }
}
