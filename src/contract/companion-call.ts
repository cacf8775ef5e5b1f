import { z } from 'zod'
import { AgentName, RepositoryName } from './names.ts'
import { PASS_SECONDS, PROTOCOL } from './pass.ts'
import { type Claims, readClaims, signClaims } from './signed-claims.ts'

/** Where the companion calls the Worker: for clients that came to it by `git://`, past the Worker. */
export const CALL_PATH = '/-/companion'

const base = { v: z.literal(PROTOCOL), exp: z.number().int() }

/** What the companion may ask of the Worker. It signs with the key of the passes, which nobody else has. */
export const Call = z.discriminatedUnion('call', [
  /** Ask for the pass of a client that is the companion's one configured agent; for a push this opens its row. */
  z.object({
    call: z.literal('pass'),
    ...base,
    service: z.enum(['advertise-upload-pack', 'advertise-receive-pack', 'git-receive-pack']),
    repository: RepositoryName,
    agent: AgentName,
    clientAddress: z.string().max(100),
  }),
  /** Ask whether a push that has been checked may be forwarded; the answer is a pass of `permit-push`. */
  z.object({ call: z.literal('permission'), ...base, push: z.string().max(64) }),
  /** There is news of a push: ask for its report. */
  z.object({ call: z.literal('news'), ...base, repository: RepositoryName, push: z.string().max(64) }),
])
export type Call = z.infer<typeof Call>

type Distribute<T> = T extends unknown ? Omit<T, 'v' | 'exp'> : never

/** Signs a call that may be made now. */
export const signCall = (call: Distribute<Call>, key: string, nowSeconds: number): Promise<string> =>
  signClaims({ ...call, v: PROTOCOL, exp: Math.floor(nowSeconds) + PASS_SECONDS }, key)

export const readCall = (text: string, key: string, nowSeconds: number): Promise<Claims<Call>> =>
  readClaims(text, key, nowSeconds, Call, PROTOCOL)
