import { PASS_HEADER, PASS_SECONDS, type Pass, PROTOCOL, ROUTES, signPass } from '../contract/pass.ts'
import { settingsOf } from '../settings.ts'

export { Companion } from './durable-object.ts'

type Distribute<T> = T extends unknown ? Omit<T, 'v' | 'exp'> : never
/** What to ask; the version and the expiry are filled in. */
export type Ask = Distribute<Pass>

/** The pass for one request that is made now. */
export const passFor = (env: Env, ask: Ask): Promise<string> =>
  signPass(
    { ...ask, v: PROTOCOL, exp: Math.floor(Date.now() / 1000) + PASS_SECONDS } as Pass,
    settingsOf(env).GATE_PASS_KEY,
  )

/**
 * Asks the companion of one repository, by way of its Durable Object, with a pass for this one request. Bodies
 * stream in both directions; the request ends when `signal` aborts.
 */
export async function askCompanion(
  env: Env,
  repository: string,
  ask: Ask,
  init: { body?: BodyInit | null; headers?: HeadersInit; signal?: AbortSignal } = {},
): Promise<Response> {
  const { method, path } = ROUTES[ask.service]
  const headers = new Headers(init.headers)
  headers.set(PASS_HEADER, await passFor(env, ask))
  const stub = env.COMPANION.get(env.COMPANION.idFromName(repository))
  return stub.fetch(`http://companion${path}`, {
    method,
    headers,
    body: init.body ?? null,
    signal: init.signal ?? null,
    redirect: 'manual',
  })
}
