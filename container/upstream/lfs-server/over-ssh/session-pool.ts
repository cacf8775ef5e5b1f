import type { LfsOperation } from '../../../../src/contract/lfs.ts'
import { withAbort } from '../../../process/with-abort.ts'
import type { LfsSession } from './lfs-session.ts'

/** The most sessions of one upstream. */
const MAX_SESSIONS = 8

/** The time that a session without requests stays open, in milliseconds. */
const SESSION_IDLE_MS = 5_000

/** A session of the pool, for the requests of one caller. */
export interface SessionLease {
  readonly session: LfsSession
  /** Gives the session back. It ends if it cannot take another request. */
  release(): void
}

/** The sessions of one upstream's git-lfs-transfer. A transfer takes a session that an earlier one has left. */
export interface SessionPool {
  /** Waits for a session. It is cut when the signal aborts before the release. Rejects with UpstreamError. */
  acquire(operation: LfsOperation, signal: AbortSignal): Promise<SessionLease>
}

export function createSessionPool(
  open: (operation: LfsOperation, signal: AbortSignal) => Promise<LfsSession>,
): SessionPool {
  const idle = new Map<LfsSession, NodeJS.Timeout>()
  let count = 0
  let changed = Promise.withResolvers<void>()
  const notifyWaiting = () => {
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }
  const onSessionEnd = () => {
    count -= 1
    notifyWaiting()
  }
  const takeIdle = (session: LfsSession) => {
    clearTimeout(idle.get(session))
    idle.delete(session)
    return session
  }
  const keep = (session: LfsSession) => {
    const timer = setTimeout(() => takeIdle(session).end(), SESSION_IDLE_MS)
    timer.unref()
    idle.set(session, timer)
    notifyWaiting()
  }
  const openCounted = async (operation: LfsOperation, signal: AbortSignal) => {
    count += 1
    try {
      const session = await open(operation, signal)
      session.ended.then(() => {
        takeIdle(session)
        onSessionEnd()
      })
      return session
    } catch (error) {
      onSessionEnd()
      throw error
    }
  }
  const lease = (session: LfsSession, signal: AbortSignal): SessionLease => {
    const stopWatching = session.cutOn(signal)
    let isHeld = true
    return {
      session,
      release() {
        if (!isHeld) return
        isHeld = false
        stopWatching()
        if (session.isReusable) keep(session)
        else session.end()
      },
    }
  }
  return {
    async acquire(operation, signal) {
      for (;;) {
        signal.throwIfAborted()
        const free = [...idle.keys()].find(session => session.operation === operation)
        if (free) {
          takeIdle(free)
          if (free.isReusable) return lease(free, signal)
          free.end()
        } else if (count < MAX_SESSIONS) return lease(await openCounted(operation, signal), signal)
        else {
          const [other] = idle.keys()
          if (other) takeIdle(other).end()
          await withAbort(changed.promise, signal)
        }
      }
    },
  }
}
