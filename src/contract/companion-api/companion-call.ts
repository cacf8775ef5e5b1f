import { z } from 'zod'
import { AgentName, RepositoryName } from '../names.ts'
import { PASS_SECONDS, PROTOCOL } from './pass.ts'
import { type Claims, readClaims, signClaims } from './signed-claims.ts'

/**
 * The Worker's path for calls of the companion on behalf of `git://` clients, which do not pass through the
 * Worker.
 */
export const CALL_PATH = '/-/companion'

const base = { v: z.literal(PROTOCOL), exp: z.number().int() }

/** A call of the companion to the Worker, signed with the key of the passes, which only these two have. */
export const Call = z.discriminatedUnion('call', [
  /**
   * Request a pass for a client, which acts as the agent in GATE_GIT_AGENT. For a push, the Worker opens its
   * row.
   */
  z.object({
    call: z.literal('pass'),
    ...base,
    service: z.enum(['advertise-upload-pack', 'advertise-receive-pack', 'git-receive-pack']),
    repository: RepositoryName,
    agent: AgentName,
    clientAddress: z.string().max(100),
  }),
  /** Request permission to forward a checked push. The response is a pass for `permit-push`. */
  z.object({ call: z.literal('permission'), ...base, push: z.string().max(64) }),
  /** Notify the Worker that a push has a new report, which it then requests. */
  z.object({
    call: z.literal('push-changed'),
    ...base,
    repository: RepositoryName,
    push: z.string().max(64),
  }),
])
export type Call = z.infer<typeof Call>

type Distribute<T> = T extends unknown ? Omit<T, 'v' | 'exp'> : never

/** Signs a call with an expiry of PASS_SECONDS from `nowSeconds` (Unix time). */
export const signCall = (call: Distribute<Call>, key: string, nowSeconds: number): Promise<string> =>
  signClaims({ ...call, v: PROTOCOL, exp: Math.floor(nowSeconds) + PASS_SECONDS }, key)

export const readCall = (text: string, key: string, nowSeconds: number): Promise<Claims<Call>> =>
  readClaims(text, key, nowSeconds, Call, PROTOCOL)
