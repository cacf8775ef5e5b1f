import { settingsOf } from '../common/settings.ts'
import { askHealth, checkProtocol, type Readiness, type Send } from './health.ts'

/**
 * Timeout of a request for `/health`, in milliseconds: a companion to which hundreds of clients connect at once answers
 * after seconds.
 */
const HEALTH_MS = 15_000

declare global {
  interface Env {
    /** The network without Miniflare's own Worker, which copies each byte of a fetch (local/worker/workerd.ts). */
    COMPANION_NETWORK?: Fetcher
  }
}

/** Returns how requests reach the companion at GATE_COMPANION_URL, or undefined without that setting. */
export function sendToFixed(env: Env): Send | undefined {
  const { GATE_COMPANION_URL: base } = settingsOf(env)
  if (base === undefined) return undefined
  const { COMPANION_NETWORK: network } = env
  return network
    ? (path, init) => network.fetch(new URL(path, base), init)
    : (path, init) => fetch(new URL(path, base), init)
}

/** A companion at GATE_COMPANION_URL, which the Worker does not start or stop. */
export interface FixedCompanion {
  ready(): Promise<Readiness>
  readonly send: Send
}

/**
 * Connects to the companion that `sendNow` reaches. Its protocol version is checked before the first request and after a
 * failed request.
 */
export function fixedCompanion(sendNow: Send): FixedCompanion {
  let known = false
  let pendingHealth: ReturnType<typeof askHealth> | undefined
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
