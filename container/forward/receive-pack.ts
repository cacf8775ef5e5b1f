import type { ChildProcess } from 'node:child_process'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { untilAborted } from '../process/with-abort.ts'
import { endSession } from '../upstream/end-session.ts'
import type { LinkLease } from '../upstream/link.ts'

/** A process that speaks with upstream's git-receive-pack. Nothing of its list of refs has been read. */
export interface ReceivePack {
  readonly child: ChildProcess
  /** The stderr of ssh so far. */
  stderr(): string
  release(options?: { broken?: boolean }): void
}

/** A session of upstream's git-receive-pack that is being opened, or waits for a push. */
export interface OpenReceivePack {
  /** Resolves with the process. Undefined: there is none, it has exited, or it was dropped. */
  running(): Promise<ReceivePack | undefined>
  /** Resolves when it has ended without a push, or could not be opened. */
  readonly over: Promise<void>
  /** Drops the session after this many milliseconds from now on, unless it is taken. */
  hold(ms: number): void
  /** From now on the caller ends the process and releases its lease. */
  take(): void
  /** Ends the session, unless it was taken. */
  drop(): void
}

/**
 * Opens git-receive-pack at upstream, over the connection that `acquire` leases. Only over SSH: over HTTPS git makes
 * the requests of a push itself. Upstream's list of refs stays in the pipe until a push reads it, so a long list takes
 * no memory of the companion.
 */
export function openReceivePack(
  acquire: (signal: AbortSignal) => Promise<LinkLease | undefined>,
  upstream: Upstream,
  heldMs: number,
): OpenReceivePack {
  const dropped = new AbortController()
  let isTaken = false
  const start = async (): Promise<ReceivePack | undefined> => {
    const lease = await acquire(dropped.signal)
    if (!lease?.startReceivePack || dropped.signal.aborted) return void lease?.release()
    const { release } = lease
    const stop = new AbortController()
    const child = lease.startReceivePack(upstream, stop.signal)
    child.once('close', () => {
      if (!isTaken) release({ broken: stop.signal.aborted })
    })
    const stderr = keepStderr(child)
    dropped.signal.addEventListener('abort', () => endSession(child, () => stop.abort()), { once: true })
    return { child, stderr, release }
  }
  const started = start().catch(() => undefined)
  const over = started.then(async session => {
    if (session) await Promise.race([exited(session.child), untilAborted(dropped.signal)])
  })
  const drop = () => {
    clearTimeout(late)
    if (!isTaken) dropped.abort(new Error('the push was not sent'))
  }
  let late = setTimeout(drop, heldMs)
  return {
    over,
    async running() {
      const session = await started
      if (!session || dropped.signal.aborted) return undefined
      const { exitCode, signalCode } = session.child
      return exitCode === null && signalCode === null ? session : undefined
    },
    hold(ms) {
      clearTimeout(late)
      if (!dropped.signal.aborted) late = setTimeout(drop, ms)
    },
    take() {
      clearTimeout(late)
      isTaken = true
    },
    drop,
  }
}

/** Resolves when a process has exited, or could not be started. */
const exited = (child: ChildProcess) =>
  new Promise<void>(resolve => {
    child.once('exit', () => resolve()).once('error', () => resolve())
  })

function keepStderr({ stdin, stderr }: ChildProcess): () => string {
  let text = ''
  stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-MAX_STDERR)
  })
  stdin?.on('error', () => {})
  return () => text
}

/** Limit of ssh's stderr that is kept, in characters. */
const MAX_STDERR = 4_096
