import { fileURLToPath } from 'node:url'
import { killGroup, spawnGroup } from '../../../process/spawn.ts'
import { GateFault } from '../../check.ts'
import { OverLimit } from '../../limits.ts'
import type { Found, Search, Watch } from './scan-job.ts'

/** What the process is told: what to search, then perhaps to stop. */
export type Asked = { readonly job: Search } | 'stop'

/** What it says: what it is doing, what gitleaks is given, and in the end what it has found, or why it could not. */
export type Said =
  | { readonly doing: string }
  | { readonly given: number; readonly started: boolean }
  | { readonly found: Found }
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
export async function searchApart(
  job: Search,
  { signal, doing, given }: Watch,
  heapMb: number,
): Promise<Found> {
  signal.throwIfAborted()
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const killed = new AbortController()
  const child = spawnGroup(process.execPath, [`--max-old-space-size=${heapMb}`, program], {
    signal: killed.signal,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    env: { PATH, NODE_COMPILE_CACHE },
  })
  const ended = new Promise<void>(resolve => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  const ask = (asked: Asked) => child.connected && child.send(asked, () => {})
  let grace: NodeJS.Timeout | undefined
  const stop = () => {
    ask('stop')
    grace = setTimeout(() => killed.abort(), GRACE_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await new Promise<Found>((resolve, reject) => {
      child.on('message', (said: Said) => {
        if ('doing' in said) doing(said.doing)
        else if ('given' in said) given?.(said.given, said.started)
        else if ('found' in said) resolve(said.found)
        else reject(errorOf(said.failed))
      })
      child.once('error', reject)
      child.once('close', (code, by) =>
        reject(new Error(`the process of the scan ended without an answer (${by ?? code})`)),
      )
      ask({ job })
    })
  } finally {
    signal.removeEventListener('abort', stop)
    clearTimeout(grace)
    // The process, and what it may have left, which is in its group (child-main.ts).
    killGroup(child)
    await ended
  }
}

function errorOf({ kind, message, remedy }: Failure): Error {
  if (kind === 'limit') return new OverLimit(message, remedy)
  return kind === 'fault' ? new GateFault(message) : new Error(message)
}
