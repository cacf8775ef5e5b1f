import { unavailable } from '../common/git-responses.ts'
import type { Readiness } from './health.ts'

export type NotReady = Extract<Readiness, { ok: false }>

/** The companion has taken a request, and does not answer in time. */
export const NO_ANSWER: NotReady = {
  ok: false,
  reason: "the gate's companion does not answer; fetch to see what upstream has, then try again",
  retryAfter: 5,
}

/** Returns the response of a companion that is not ready, as git prints it for the companion's path. */
export function notReady(path: string, { reason, retryAfter }: NotReady): Response {
  if (path === '/git-upload-pack') return unavailable('git-upload-pack', reason, retryAfter)
  if (path === '/git-receive-pack') return unavailable('git-receive-pack', reason, retryAfter)
  return unavailable('info/refs', reason, retryAfter)
}
