import type { PassFor, Upstream } from '../../src/contract/companion-api/pass.ts'
import type { AgentName } from '../../src/contract/names.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import type { MemoryBudget } from '../process/memory-budget.ts'
import type { Links } from '../upstream/links.ts'
import { type OpenReceivePack, openReceivePack } from './receive-pack.ts'

/** How long a session waits for its push, in milliseconds. A client that needs longer to make its pack gets another. */
const WAIT_MS = 4_000

/** Limit of the sessions that wait at one time. */
const MAX_WAITING = 16

interface EarlySessionDeps {
  readonly earlySessions: EarlySessions
  readonly mirrors: Mirrors
  readonly memory: MemoryBudget
}

/** The agent and the upstream of a push. */
export interface Pusher {
  readonly agent: AgentName
  readonly repository: Upstream
}

/**
 * Sessions of git-receive-pack that are opened with the advertisement for a push, so that upstream has listed its refs
 * when the push arrives. At most one waits for an agent in a repository.
 */
export interface EarlySessions {
  /** Opens a session for the next push, in place of one that waits. Does nothing where no connection has room to spare. */
  open(pusher: Pusher): void
  /** Returns the session that waits for this agent's push. The caller drops it if it does not use it. */
  take(pusher: Pusher): OpenReceivePack | undefined
  /** Drops all sessions, and opens no more. */
  close(): void
}

export function createEarlySessions(links: Pick<Links, 'to'>, waitMs = WAIT_MS): EarlySessions {
  const waiting = new Map<string, OpenReceivePack>()
  let isClosed = false
  const take = (pusher: Pusher) => {
    const key = keyOf(pusher)
    const session = waiting.get(key)
    waiting.delete(key)
    return session
  }
  return {
    open(pusher) {
      take(pusher)?.drop()
      if (isClosed || waiting.size >= MAX_WAITING) return
      const { repository } = pusher
      const acquire = async (signal: AbortSignal) => (await links.to(repository)).acquireSpare?.(signal)
      const session = openReceivePack(acquire, repository, waitMs)
      waiting.set(keyOf(pusher), session)
      session.over.then(() => {
        if (waiting.get(keyOf(pusher)) === session) waiting.delete(keyOf(pusher))
      })
    },
    take,
    close() {
      isClosed = true
      for (const session of waiting.values()) session.drop()
      waiting.clear()
    },
  }
}

/**
 * Opens a session for the push that probably follows an advertisement: if the agent may push at all, the mirror exists,
 * with ids that a session can take, and memory is free.
 */
export function openEarlySession(
  { agent, repository, terms }: PassFor<'advertise-receive-pack'>,
  { earlySessions, mirrors, memory }: EarlySessionDeps,
): void {
  const mayPush = terms.rules.some(({ allow }) => allow.length > 0)
  if (!mayPush || mirrors.get(repository).objectFormat !== 'sha1' || !memory.hasRoom()) return
  earlySessions.open({ agent, repository })
}

/** An upstream whose settings have changed since is another one. */
const keyOf = ({ agent, repository }: Pusher) => JSON.stringify([agent, repository])
