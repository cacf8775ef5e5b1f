import { askHealth, checkProtocol, type Readiness, type Send } from './health.ts'

/** A companion at GATE_COMPANION_URL, which the Worker does not start or stop. */
export interface StandingCompanion {
  ready(): Promise<Readiness>
  readonly send: Send
}

/**
 * Connects to the companion at `url`. Its protocol version is checked before the first request and after a
 * failed request.
 */
export function fixedCompanion(url: string): StandingCompanion {
  let known = false
  const ask: Send = (path, init) => fetch(new URL(path, url), init)
  return {
    async ready() {
      if (known) return { ok: true }
      const health = await askHealth(ask).catch(() => undefined)
      if (!health)
        return {
          ok: false,
          why: 'the gate cannot reach its companion; nothing was changed; try again in a few seconds',
          retryAfter: 5,
        }
      const agreed = checkProtocol(health)
      known = agreed.ok
      return agreed
    },
    async send(path, init) {
      try {
        return await ask(path, init)
      } catch (error) {
        known = false
        throw error
      }
    },
  }
}
