import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import { killWithStreams } from '../../process/spawn.ts'
import { endSession } from '../end-session.ts'
import type { LinkLease, PreparedSession, PreparedSessions } from '../link.ts'

/**
 * How long a session waits for the next request, and how soon after the last request another has to come for one to be
 * opened, in milliseconds. Upstream allowed the session when it began.
 */
const WAIT_MS = 30_000

/** A client that pushes now needs the processor, so the next session is opened later, in milliseconds. */
const OPEN_AFTER_MS = 300

/** Limit of the sessions that wait at one time, over all links. */
const MAX_WAITING = 16

interface Waiting {
  /** Ends the session, or its opening. */
  drop(): void
  take(signal: AbortSignal): PreparedSession | undefined
}

/** The sessions that wait, of all links. */
export type AllWaiting = Set<unknown>

/** Leases a connection with room to spare. */
type AcquireSpare = (signal: AbortSignal) => Promise<LinkLease | undefined>

/**
 * Keeps a session for each upstream of the same connections that was asked twice within WAIT_MS. A session serves one
 * listing: git keeps the loose refs that it has read once.
 */
export function createPreparedSessions(
  all: AllWaiting,
  { waitMs = WAIT_MS, openAfterMs = OPEN_AFTER_MS } = {},
): { over(acquire: AcquireSpare): PreparedSessions; close(): void } {
  const waiting = new Map<string, Waiting>()
  const askedAt = new Map<string, number>()
  let isClosed = false
  return {
    over: acquire => ({
      take({ url }, signal) {
        const session = waiting.get(url)
        waiting.delete(url)
        const taken = session?.take(signal)
        session?.drop()
        return taken
      },
      prepareNext(upstream) {
        const { url } = upstream
        const before = askedAt.get(url) ?? Number.NEGATIVE_INFINITY
        const now = performance.now()
        askedAt.set(url, now)
        if (isClosed || now - before > waitMs || waiting.has(url) || all.size >= MAX_WAITING) return
        const session = openLater(acquire, upstream, { waitMs, openAfterMs }, () => {
          all.delete(session)
          if (waiting.get(url) === session) waiting.delete(url)
        })
        all.add(session)
        waiting.set(url, session)
      },
    }),
    close() {
      isClosed = true
      for (const session of waiting.values()) session.drop()
    },
  }
}

function openLater(
  acquire: AcquireSpare,
  upstream: Upstream,
  { waitMs, openAfterMs }: { waitMs: number; openAfterMs: number },
  onOver: () => void,
): Waiting {
  const ended = new AbortController()
  let open: { end(): void; take(signal: AbortSignal): PreparedSession } | undefined
  const drop = () => {
    clearTimeout(timer)
    ended.abort(new Error('the session was not used'))
    open?.end()
    open = undefined
    onOver()
  }
  const start = async () => {
    timer = setTimeout(drop, waitMs)
    const lease = await acquire(ended.signal)
    try {
      if (lease && !ended.signal.aborted) open = startSession(lease, upstream, drop)
    } finally {
      if (!open) lease?.release()
    }
    if (!open) drop()
  }
  let timer = setTimeout(() => void start().catch(drop), openAfterMs)
  return {
    drop,
    take(signal) {
      const taken = open?.take(signal)
      if (taken) open = undefined
      return taken
    },
  }
}

function startSession(lease: LinkLease, upstream: Upstream, onExit: () => void) {
  const stop = new AbortController()
  const uploadPack = lease.startUploadPack(upstream, stop.signal)
  const { child } = uploadPack
  child.stdin?.on('error', () => {})
  child.stderr?.resume()
  let isTaken = false
  const over = () => {
    if (isTaken) return
    killWithStreams(child)
    lease.release({ broken: stop.signal.aborted })
    onExit()
  }
  child.once('exit', over).once('error', over)
  return {
    end: () => endSession(child, () => stop.abort()),
    take(signal: AbortSignal): PreparedSession {
      isTaken = true
      signal.addEventListener('abort', () => stop.abort(), { once: true })
      return { uploadPack, release: lease.release }
    },
  }
}
