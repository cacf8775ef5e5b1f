import { settingsOf } from '../common/settings.ts'
import {
  PASS_HEADER,
  PASS_SECONDS,
  type Pass,
  PROTOCOL,
  ROUTES,
  signPass,
} from '../contract/companion-api/pass.ts'
import type { AgentName } from '../contract/names.ts'
import type { Access } from '../ledger/access/token-and-grant.ts'
import type { Send } from './health.ts'

type Distribute<T> = T extends unknown ? Omit<T, 'v' | 'exp'> : never
/** Content of a pass without its version and expiry, which signing adds. */
export type PassRequest = Distribute<Pass>

/** Content of the pass for a push. `approved`: it is the replay of a push that has been approved. */
export const receivePackPass = (
  id: string,
  agent: AgentName,
  { repository, terms, exceptions, declines, gitleaksConfig }: Access,
  approved?: { push: string; approvals: number },
): PassRequest => ({
  service: 'git-receive-pack',
  id,
  repository,
  agent,
  terms,
  gitleaksConfig,
  exceptions: [...exceptions],
  declines: [...declines],
  ...(approved && { approved }),
})

/** Signs a pass for one request, valid for PASS_SECONDS from now. */
export const passFor = (env: Env, request: PassRequest): Promise<string> =>
  signPass(
    { ...request, v: PROTOCOL, exp: Math.floor(Date.now() / 1000) + PASS_SECONDS } as Pass,
    settingsOf(env).GATE_PASS_KEY,
  )

/** Sends a request with a new pass through an existing connection to the companion. */
export async function askWithPass(
  env: Env,
  send: Send,
  request: PassRequest,
  body: BodyInit | null = null,
): Promise<Response> {
  const { method, path } = ROUTES[request.service]
  return send(path, { method, headers: { [PASS_HEADER]: await passFor(env, request) }, body })
}
