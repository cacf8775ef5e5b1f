import { settingsOf } from '../common/settings.ts'
import { PASS_HEADER, PASS_SECONDS, type Pass, PROTOCOL, ROUTES, signPass } from '../contract/pass.ts'
import type { Send } from './health.ts'

type Distribute<T> = T extends unknown ? Omit<T, 'v' | 'exp'> : never
/** What to ask; the version and the expiry are filled in. */
export type PassRequest = Distribute<Pass>

/** The pass for one request that is made now. */
export const passFor = (env: Env, ask: PassRequest): Promise<string> =>
  signPass(
    { ...ask, v: PROTOCOL, exp: Math.floor(Date.now() / 1000) + PASS_SECONDS } as Pass,
    settingsOf(env).GATE_PASS_KEY,
  )

/** Asks a companion by the way that leads to it. */
export async function askWithPass(
  env: Env,
  send: Send,
  what: PassRequest,
  body: BodyInit | null = null,
): Promise<Response> {
  const { method, path } = ROUTES[what.service]
  return send(path, { method, headers: { [PASS_HEADER]: await passFor(env, what) }, body })
}
