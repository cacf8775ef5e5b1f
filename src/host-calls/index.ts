import type { Context } from 'hono'
import type { GitEnv } from '../auth/agent.ts'
import { logFault } from '../common/log.ts'
import { hostCallPath } from '../common/repository-path.ts'
import { hasShortBody } from '../common/short-body.ts'
import { askCompanion } from '../companion/index.ts'
import {
  decodeHostCallResult,
  HOST_CALL_HEADER,
  type HostCallResult,
  MAX_HOST_CALL_BYTES,
} from '../contract/host-call.ts'
import { closeHostCall, openHostCall } from '../ledger/host-calls.ts'

const LOST =
  'the gate has lost its companion before it heard the host; see at the host whether it has the call'

/** Serves `/-/forge/<name>/api/…`, an agent's call of the API of a repository's host. Each call is on record. */
export async function hostCall(c: Context<GitEnv>): Promise<Response> {
  const { agent, token, access } = c.var
  const { repository } = access
  const { LEDGER } = c.env
  const id = await openHostCall(LEDGER, {
    repository: repository.name,
    agent,
    token: token.id,
    method: c.req.method.slice(0, 20),
  })
  const end = (response: Response, result: HostCallResult) => {
    const { status } = response
    const closed = closeHostCall(LEDGER, id, { ...result, status })
    c.executionCtx.waitUntil(closed.catch(error => logFault({ at: 'host calls' }, error)))
    return response
  }
  const refusal = refusalOf(c)
  if (refusal)
    return end(error(refusal.status, refusal.reason), {
      operation: '',
      outcome: 'refused',
      reason: refusal.reason,
    })
  const answer = await sendCall(c, id).catch(() => undefined)
  const result = decodeHostCallResult(answer?.headers.get(HOST_CALL_HEADER) ?? null)
  if (!answer || !result) return end(error(503, LOST), { operation: '', outcome: 'failed', reason: LOST })
  const headers = new Headers(answer.headers)
  headers.delete(HOST_CALL_HEADER)
  return end(new Response(answer.body, { status: answer.status, headers }), result)
}

/** Returns why the Worker refuses a call, or undefined. */
function refusalOf(c: Context<GitEnv>): { status: number; reason: string } | undefined {
  const { agent, access } = c.var
  const { name } = access.repository
  const { method } = c.req
  if (access.terms.api === 'none')
    return {
      status: 403,
      reason: `${agent} may not use the API of ${name}'s host; an operator allows it: git gate grant set ${agent} ${name} --api read`,
    }
  if (method !== 'GET' && method !== 'POST') return { status: 403, reason: `no call is made with ${method}` }
  // A page in a browser cannot send this type to another origin.
  if (method === 'POST' && !/^application\/json(;|$)/i.test(c.req.header('content-type') ?? ''))
    return { status: 415, reason: 'the body of a call is JSON' }
  if (method === 'POST' && !hasShortBody(c.req.raw, MAX_HOST_CALL_BYTES))
    return { status: 413, reason: `a call has a length, of ${MAX_HOST_CALL_BYTES} bytes at most` }
  return undefined
}

const sendCall = (c: Context<GitEnv>, id: string): Promise<Response> => {
  const { agent, access } = c.var
  const { repository, terms, exceptions, declines, gitleaksConfig } = access
  const { pathname, search } = new URL(c.req.url)
  return askCompanion(
    c.env,
    repository.name,
    {
      service: 'host-call',
      id,
      repository,
      agent,
      terms,
      exceptions: [...exceptions],
      declines: [...declines],
      gitleaksConfig,
      method: c.req.method === 'POST' ? 'POST' : 'GET',
      path: hostCallPath(pathname),
      query: search,
      accept: (c.req.header('accept') ?? '').slice(0, 1_000),
    },
    {
      body: c.req.method === 'POST' ? c.req.raw.body : null,
      headers: { 'content-type': 'application/json' },
      signal: c.req.raw.signal,
    },
  )
}

/** Returns an error as the hosts' APIs have them: gh and glab print `message`. */
const error = (status: number, message: string): Response =>
  Response.json({ message: `git-gate: ${message}` }, { status, headers: { 'cache-control': 'no-store' } })
