import { Worker } from 'node:worker_threads'
import { GateFault } from '../check.ts'
import { OverLimit } from '../limits.ts'
import type { Found, Search, Watch } from './search.ts'

/** What the thread says: what it is doing, and in the end what it has found, or why it could not. */
export type Said = { readonly doing: string } | { readonly found: Found } | { readonly failed: Failure }

export interface Failure {
  readonly kind: 'limit' | 'fault' | 'error'
  readonly message: string
  /** For a limit: what to do instead. */
  readonly remedy: string
}

/** A thread that was told to stop has this long to end its processes, before it is ended itself. */
const GRACE_MS = 5_000
/** Objects' names and places, not their contents, are what its heap is for. */
const HEAP_MB = 1_024

/**
 * A search in a thread of its own, so that one large push does not keep the companion's other sessions waiting. It
 * answers, or throws as the search itself would; a thread that dies without an answer is an error.
 */
export async function searchInThread(job: Search, { signal, doing }: Watch): Promise<Found> {
  signal.throwIfAborted()
  const group = new Int32Array(new SharedArrayBuffer(4))
  const { PATH, GATE_COMPANION } = process.env
  const worker = new Worker(new URL('./search-thread.ts', import.meta.url), {
    workerData: { job, group },
    env: { PATH, GATE_COMPANION },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  })
  let grace: NodeJS.Timeout | undefined
  const stop = () => {
    worker.postMessage('stop')
    grace = setTimeout(() => worker.terminate(), GRACE_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await new Promise<Found>((resolve, reject) => {
      worker.on('message', (said: Said) => {
        if ('doing' in said) doing(said.doing)
        else if ('found' in said) resolve(said.found)
        else reject(errorOf(said.failed))
      })
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('the thread of the scan ended without an answer')))
    })
  } finally {
    signal.removeEventListener('abort', stop)
    clearTimeout(grace)
    await worker.terminate()
    killLeft(Atomics.load(group, 0))
  }
}

function errorOf({ kind, message, remedy }: Failure): Error {
  if (kind === 'limit') return new OverLimit(message, remedy)
  return kind === 'fault' ? new GateFault(message) : new Error(message)
}

/** A gitleaks whose thread was ended over its head; git's processes end by themselves when their pipes close. */
function killLeft(group: number): void {
  if (group === 0) return
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // ESRCH: it has ended
  }
}
