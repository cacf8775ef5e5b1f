import type { Context } from 'hono'
import type { GitEnv } from '../auth/agent.ts'
import { hostCallPath } from '../common/repository-path.ts'
import { hasShortBody } from '../common/short-body.ts'
import { MAX_HOST_CALL_BYTES } from '../contract/hosts/host-call.ts'
import { callHost } from './call-host.ts'

export { callHost } from './call-host.ts'
export { pullRequestCall } from './pull-request-call.ts'

/** Serves `/-/forge/<name>/api/…`, an agent's call to the API of a repository's host. */
export async function hostCall(c: Context<GitEnv>): Promise<Response> {
  const { pathname, search } = new URL(c.req.url)
  const { agent, token, access } = c.var
  const refusal = refusalOf(c)
  // A client that sends slowly does not hold a session of the companion.
  const body = refusal || c.req.method !== 'POST' ? null : await c.req.text()
  const call = {
    agent,
    tokenId: token.id,
    access,
    method: c.req.method,
    path: hostCallPath(pathname),
    query: search,
    accept: c.req.header('accept') ?? '',
    body,
    signal: c.req.raw.signal,
    waitUntil: (work: Promise<unknown>) => c.executionCtx.waitUntil(work),
  }
  return callHost(c.env, call, refusal)
}

/** Returns why the Worker refuses a call, or undefined. */
function refusalOf(c: Context<GitEnv>): { status: number; reason: string } | undefined {
  const { agent, access } = c.var
  const { name } = access.repository
  const { method } = c.req
  if (access.terms.hostApi === 'none')
    return {
      status: 403,
      reason: `${agent} may not use the API of ${name}'s host; an operator allows it: git gate grant set ${agent} ${name} --host-api read`,
    }
  if (method !== 'GET' && method !== 'POST')
    return { status: 403, reason: `${method} is not allowed; use GET or POST` }
  // A page in a browser cannot send this type to another origin.
  if (method === 'POST' && !/^application\/json(;|$)/i.test(c.req.header('content-type') ?? ''))
    return { status: 415, reason: 'send the body as JSON, with Content-Type: application/json' }
  if (method === 'POST' && !hasShortBody(c.req.raw, MAX_HOST_CALL_BYTES))
    return { status: 413, reason: `send a Content-Length of at most ${MAX_HOST_CALL_BYTES} with the call` }
  return undefined
}
