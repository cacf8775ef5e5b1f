import { fileURLToPath } from 'node:url'
import { MEMORY_LIMIT } from '../../../process/memory-limit.ts'
import { killGroup, spawnGroup } from '../../../process/spawn.ts'
import { type Failure, toError } from './failure.ts'
import type { ScanJob, ScanObserver, ScanResult } from './scan-job.ts'

/** A message to the child: the job, then perhaps a request to stop. */
export type ChildRequest = { readonly job: ScanJob } | 'stop'

/** A message from the child: a phase, bytes given to a gitleaks, and at the end the result or the failure. */
export type ChildMessage =
  | { readonly phase: string }
  | { readonly scannedBytes: number }
  | { readonly result: ScanResult }
  | { readonly failed: Failure }

const program = fileURLToPath(new URL('./child-main.ts', import.meta.url))

/** V8 begins with 1 MiB for new objects, and collects them four times as often until it has grown to this. */
const NODE_OPTIONS = ['--min-semi-space-size=16']

/** The time that a child has to end its own processes after a stop request, before it is killed, in milliseconds. */
const GRACE_MS = 5_000

/**
 * Runs a scan in a child process, so that a large push neither delays the companion's other sessions nor leaves its
 * memory in the companion. Throws LimitExceeded and GateFault as runScanJob does, and an Error when the child ends
 * without a reply.
 */
export async function scanInChild(
  job: ScanJob,
  { signal, onPhase, onScanned }: ScanObserver,
  heapMib: number,
): Promise<ScanResult> {
  signal.throwIfAborted()
  const { PATH, NODE_COMPILE_CACHE, [MEMORY_LIMIT]: memory } = process.env
  const kill = new AbortController()
  const child = spawnGroup(process.execPath, [...NODE_OPTIONS, `--max-old-space-size=${heapMib}`, program], {
    signal: kill.signal,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    env: { PATH, NODE_COMPILE_CACHE, [MEMORY_LIMIT]: memory },
    // V8 reserves more memory than it uses, so --max-old-space-size is the limit.
    memoryBytes: Number.POSITIVE_INFINITY,
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
        else if ('scannedBytes' in message) onScanned?.(message.scannedBytes)
        else if ('result' in message) resolve(message.result)
        else reject(toError(message.failed))
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
    // Processes that the child left are in its group (child-main.ts).
    killGroup(child)
    await closed
  }
}
