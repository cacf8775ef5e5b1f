import { EventEmitter, once } from 'node:events'
import type { Pass } from '../../src/contract/companion-api/pass.ts'
import type { Settings } from '../settings.ts'
import { type SessionCounts, type SessionEnd, sessionCounts } from './session-counts.ts'

/** A request of a git client while it is served. */
export interface Session {
  readonly id: string
  readonly repository: string
  readonly agent: string
  readonly service: string
  readonly startedAt: number
  readonly step: string
}

/** Returns the fields of a session that its pass contains. */
export const sessionOf = (pass: Extract<Pass, { terms: unknown }>) => ({
  id: pass.id,
  repository: pass.repository.name,
  agent: pass.agent,
  service: pass.service,
})

type SessionOwner = Pick<Session, 'id' | 'repository' | 'agent' | 'service'>
type SessionStart =
  | { ok: true; session: Session; end(sessionEnd: SessionEnd): void }
  | { ok: false; reason: string }

/** How long a fetch waits for a place, in milliseconds. */
const PLACE_MS = 10_000

/** All running sessions, within the limits. */
export interface Sessions {
  /**
   * Starts a session, which the caller ends with `end`. Returns the reason when a limit is reached. A push
   * passes a function that returns its step.
   */
  begin(owner: SessionOwner, step?: () => string): SessionStart
  /**
   * Starts a session like `begin`, but waits in line for a place, for 10 s or until the client has gone. Git
   * does not retry, so agents that clone at the same moment would otherwise fail. As many sessions can wait
   * as can run, in total and of an agent.
   */
  beginInTurn(owner: SessionOwner, disconnected: AbortSignal): Promise<SessionStart>
  /**
   * Reserves a place for a push that is turned away: its request is read before the client gets the reason.
   * Returns the function that frees the place, or undefined when no place is left.
   */
  turnAway(agent: string): (() => void) | undefined
  readonly all: ReadonlySet<Session>
  /** Returns the counts of a repository's ended sessions. */
  counts(repository: string): SessionCounts
  /** Resolves when the session with this id has ended, or after `withinMs` milliseconds. */
  ended(id: string, withinMs: number): Promise<void>
  /** Rejects new sessions. Resolves when the last session has ended. */
  close(): Promise<void>
}

export function createSessions(limits: Pick<Settings, 'maxSessions' | 'maxAgentSessions'>): Sessions {
  const all = new Set<Session>()
  const counts = sessionCounts()
  const turnedAway = turnedAwayLimit(limits.maxAgentSessions)
  const waiting: SessionOwner[] = []
  const watched = new EventEmitter().setMaxListeners(limits.maxSessions + 1)
  let closed = false
  const problem = (agent: string) => {
    if (closed) return 'the gate is stopping; try again in a few seconds'
    if (all.size >= limits.maxSessions)
      return `the gate is busy with ${all.size} sessions; try again in a few seconds`
    const own = [...all].filter(session => session.agent === agent).length
    if (own >= limits.maxAgentSessions)
      return `${agent} has ${own} sessions at once; let some end, then try again`
    return undefined
  }
  const begin = (owner: SessionOwner, step = () => 'receiving'): SessionStart => {
    const reason = problem(owner.agent)
    if (reason !== undefined) {
      counts.add(owner.repository, owner.service, { outcome: 'busy' })
      return { ok: false, reason }
    }
    const session: Session = {
      ...owner,
      startedAt: Date.now(),
      get step() {
        return step()
      },
    }
    all.add(session)
    return {
      ok: true,
      session,
      end(sessionEnd) {
        all.delete(session)
        counts.add(session.repository, session.service, sessionEnd)
        watched.emit(session.id)
        watched.emit('change')
        if (all.size === 0) watched.emit('empty')
      },
    }
  }
  const mayWait = ({ agent }: SessionOwner) =>
    waiting.length < limits.maxSessions &&
    waiting.filter(other => other.agent === agent).length < limits.maxAgentSessions
  return {
    all,
    turnAway: turnedAway,
    counts: counts.of,
    async ended(id, withinMs) {
      if (![...all].some(session => session.id === id)) return
      // A timeout is no error: the caller then reads the session's state.
      await once(watched, id, { signal: AbortSignal.timeout(withinMs) }).catch(() => {})
    },
    begin,
    async beginInTurn(owner, disconnected) {
      if (problem(owner.agent) === undefined || !mayWait(owner)) return begin(owner)
      const signal = AbortSignal.any([disconnected, AbortSignal.timeout(PLACE_MS)])
      waiting.push(owner)
      try {
        // Listeners are called in the order in which they came, so the first in line asks first.
        while (!closed && problem(owner.agent) !== undefined) await once(watched, 'change', { signal })
      } catch {
        // The time is over, or the client has gone: begin() says whether a place is free.
      } finally {
        waiting.splice(waiting.indexOf(owner), 1)
      }
      return begin(owner)
    },
    async close() {
      closed = true
      watched.emit('change')
      if (all.size > 0) await once(watched, 'empty')
    },
  }
}

/** The minimum number of agents that share the places for pushes that are turned away. */
const AGENTS = 4

/** Reserves places for pushes that are turned away: `max` in total, and a share of them for each agent. */
function turnedAwayLimit(max: number): (agent: string) => (() => void) | undefined {
  const byAgent = new Map<string, number>()
  const perAgent = Math.max(1, Math.floor(max / AGENTS))
  let all = 0
  const change = (agent: string, by: 1 | -1) => {
    all += by
    const own = (byAgent.get(agent) ?? 0) + by
    if (own > 0) byAgent.set(agent, own)
    else byAgent.delete(agent)
  }
  return agent => {
    if (all >= max || (byAgent.get(agent) ?? 0) >= perAgent) return undefined
    change(agent, 1)
    return () => change(agent, -1)
  }
}
