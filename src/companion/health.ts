import { z } from 'zod'
import { PROTOCOL } from '../contract/pass.ts'

/** Sends a request to a companion, by its path. */
export type Send = (path: string, init: RequestInit) => Promise<Response>

/** May a companion be asked? If not: why, in words for the agent, and after how many seconds to try again. */
export type Readiness = { ok: true } | { ok: false; why: string; retryAfter: number }

/** What every version of the companion says of itself at `/health`; the rest may change with the protocol. */
const Health = z.object({ protocol: z.unknown() })
export type Health = z.infer<typeof Health>

/** One answer at `/health` is waited for this long, in milliseconds. */
const HEALTH_MS = 2_000

/** Asks a companion for its health. Rejects while nothing answers there, or something else does. */
export async function askHealth(send: Send): Promise<Health> {
  const answer = await send('/health', { method: 'GET', signal: AbortSignal.timeout(HEALTH_MS) })
  const body: unknown = await answer.json()
  if (!answer.ok) throw new Error(`/health answered ${answer.status}`)
  return Health.parse(body)
}

/** How long an upgrade usually takes to reach the other side, in seconds. */
const UPGRADE_SECONDS = 30

/** Do Worker and companion speak the same protocol? While one of them is upgraded they may not, either way round. */
export function checkProtocol({ protocol }: Health): Readiness {
  if (protocol === PROTOCOL) return { ok: true }
  const older = typeof protocol === 'number' && protocol > PROTOCOL ? 'Worker' : 'companion'
  return {
    ok: false,
    why: `the gate is being upgraded, and its ${older} is still the old one (protocols: Worker ${PROTOCOL}, companion ${protocol}); nothing was changed; try again in a minute`,
    retryAfter: UPGRADE_SECONDS,
  }
}
