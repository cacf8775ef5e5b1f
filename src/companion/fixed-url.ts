import { askHealth, checkProtocol, type Readiness, type Send } from './health.ts'

/** A companion that runs by itself, at GATE_COMPANION_URL. */
export interface StandingCompanion {
  ready(): Promise<Readiness>
  readonly send: Send
}

/** The companion at `url`: its protocol is looked at before it is first asked, and again after it failed. */
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
