import { askHealth, checkProtocol, type Readiness, type Send } from './health.ts'

/**
 * Timeout of a request for `/health`, in milliseconds: a companion to which hundreds of clients connect at once answers
 * after seconds.
 */
const HEALTH_MS = 15_000

/** A companion at GATE_COMPANION_URL, which the Worker does not start or stop. */
export interface FixedCompanion {
  ready(): Promise<Readiness>
  readonly send: Send
}

/**
 * Connects to the companion at `url`. Its protocol version is checked before the first request and after a
 * failed request.
 */
export function fixedCompanion(url: string): FixedCompanion {
  let known = false
  let pendingHealth: ReturnType<typeof askHealth> | undefined
  const sendNow: Send = (path, init) => fetch(new URL(path, url), init)
  /** Asks once for all requests that wait for the answer. */
  const health = () => {
    pendingHealth ??= askHealth(sendNow, HEALTH_MS).finally(() => {
      pendingHealth = undefined
    })
    return pendingHealth
  }
  return {
    async ready() {
      if (known) return { ok: true }
      const answer = await health().catch(() => undefined)
      if (!answer)
        return {
          ok: false,
          reason: 'the gate cannot reach its companion; nothing was changed; try again in a few seconds',
          retryAfter: 5,
        }
      const agreed = checkProtocol(answer)
      known = agreed.ok
      return agreed
    },
    async send(path, init) {
      try {
        return await sendNow(path, init)
      } catch (error) {
        // A client that disconnects says nothing about the companion.
        if (!init.signal?.aborted) known = false
        throw error
      }
    },
  }
}
