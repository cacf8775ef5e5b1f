import { z } from 'zod'
import { PROTOCOL } from '../contract/companion-api/pass.ts'

/** Sends a request to a path of the companion. */
export type Send = (path: string, init: RequestInit) => Promise<Response>

/**
 * Readiness of a companion for requests. If it is not ready: the reason for the agent, and the seconds until
 * a retry.
 */
export type Readiness = { ok: true } | { ok: false; reason: string; retryAfter: number }

/**
 * Body of `/health`. Every version of the companion has this field; the other fields can change with the
 * protocol.
 */
const Health = z.object({ protocol: z.unknown() })
export type Health = z.infer<typeof Health>

/**
 * Requests `/health`. Rejects if nothing answers there within `timeoutMs` milliseconds, or something other than a
 * companion.
 */
export async function askHealth(send: Send, timeoutMs: number): Promise<Health> {
  const answer = await send('/health', { method: 'GET', signal: AbortSignal.timeout(timeoutMs) })
  const body: unknown = await answer.json()
  if (!answer.ok) throw new Error(`/health answered ${answer.status}`)
  return Health.parse(body)
}

/** Time that an upgrade usually takes to reach both sides, in seconds. */
const UPGRADE_SECONDS = 30

/** Compares the protocol versions of Worker and companion. They can differ while either is being upgraded. */
export function checkProtocol({ protocol }: Health): Readiness {
  if (protocol === PROTOCOL) return { ok: true }
  const older = typeof protocol === 'number' && protocol > PROTOCOL ? 'Worker' : 'companion'
  return {
    ok: false,
    reason: `the gate is being upgraded, and its ${older} is still the old one (protocols: Worker ${PROTOCOL}, companion ${protocol}); nothing was changed; try again in a minute`,
    retryAfter: UPGRADE_SECONDS,
  }
}
