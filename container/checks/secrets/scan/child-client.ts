import { fileURLToPath } from 'node:url'
import { killGroup, spawnGroup } from '../../../process/spawn.ts'
import { GateFault } from '../../check.ts'
import { LimitExceeded } from '../../limits.ts'
import type { ScanJob, ScanObserver, ScanResult } from './scan-job.ts'

/** What the process is told: what to search, then perhaps to stop. */
export type ChildRequest = { readonly job: ScanJob } | 'stop'

/** What it says: what it is doing, what gitleaks is given, and in the end what it has found, or why it could not. */
export type ChildMessage =
  | { readonly phase: string }
  | { readonly scannedBytes: number; readonly startedGitleaks: boolean }
  | { readonly result: ScanResult }
  | { readonly failed: Failure }

export interface Failure {
  readonly kind: 'limit' | 'fault' | 'error'
  readonly message: string
  /** For a limit: what to do instead. */
  readonly remedy: string
}

const program = fileURLToPath(new URL('./child-main.ts', import.meta.url))

/** A search that was told to stop has this long to end its processes, before it is ended itself. */
const GRACE_MS = 5_000

/**
 * A search in a process of its own: a large push neither keeps the companion's other sessions waiting nor leaves its
 * memory in the companion. It answers, or throws as the search itself would; a process that ends without an answer is
 * an error.
 */
export async function scanInChild(
  job: ScanJob,
  { signal, onPhase, onScanned }: ScanObserver,
  heapMb: number,
): Promise<ScanResult> {
  signal.throwIfAborted()
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const kill = new AbortController()
  const child = spawnGroup(process.execPath, [`--max-old-space-size=${heapMb}`, program], {
    signal: kill.signal,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    env: { PATH, NODE_COMPILE_CACHE },
  })
  const closed = new Promise<void>(resolve => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  const send = (request: ChildRequest) => child.connected && child.send(request, () => {})
  let grace: NodeJS.Timeout | undefined
  const stop = () => {
    send('stop')
    grace = setTimeout(() => kill.abort(), GRACE_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await new Promise<ScanResult>((resolve, reject) => {
      child.on('message', (message: ChildMessage) => {
        if ('phase' in message) onPhase(message.phase)
        else if ('scannedBytes' in message) onScanned?.(message.scannedBytes, message.startedGitleaks)
        else if ('result' in message) resolve(message.result)
        else reject(errorOf(message.failed))
      })
      child.once('error', reject)
      child.once('close', (code, endedBy) =>
        reject(new Error(`the process of the scan ended without an answer (${endedBy ?? code})`)),
      )
      send({ job })
    })
  } finally {
    signal.removeEventListener('abort', stop)
    clearTimeout(grace)
    // The process, and what it may have left, which is in its group (child-main.ts).
    killGroup(child)
    await closed
  }
}

function errorOf({ kind, message, remedy }: Failure): Error {
  if (kind === 'limit') return new LimitExceeded(message, remedy)
  return kind === 'fault' ? new GateFault(message) : new Error(message)
}
