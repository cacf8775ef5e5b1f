import { logError } from '../common/log.ts'
import { askCompanion } from '../companion/index.ts'
import { decodeHostCallResult, HOST_CALL_HEADER, type HostCallResult } from '../contract/hosts/host-call.ts'
import type { AgentName } from '../contract/names.ts'
import type { Access } from '../ledger/access/token-and-grant.ts'
import { closeHostCall, openHostCall } from '../ledger/host-calls.ts'

/** An agent's call to the API of a repository's host. */
export interface AgentCall {
  readonly agent: AgentName
  readonly tokenId: string
  readonly access: Access
  readonly method: string
  /** The path from `/api/` on. */
  readonly path: string
  readonly query: string
  readonly accept: string
  readonly body: string | null
  readonly signal: AbortSignal
  readonly waitUntil: (work: Promise<unknown>) => void
}

const COMPANION_LOST =
  'the gate lost its companion before the host answered; check at the host whether the call took effect'

/** Makes a call, unless there is a refusal already. The call is on record, with its result or its refusal. */
export async function callHost(
  env: Env,
  call: AgentCall,
  refusal?: { readonly status: number; readonly reason: string },
): Promise<Response> {
  const { agent, tokenId, access, method, waitUntil } = call
  const id = await openHostCall(env.LEDGER, {
    repository: access.repository.name,
    agent,
    tokenId,
    method: method.slice(0, 20),
  })
  const end = (response: Response, result: HostCallResult) => {
    const { status } = response
    const closed = closeHostCall(env.LEDGER, id, { ...result, status })
    waitUntil(closed.catch(error => logError({ at: 'host calls' }, error)))
    return response
  }
  if (refusal)
    return end(error(refusal.status, refusal.reason), {
      operation: '',
      outcome: 'refused',
      reason: refusal.reason,
    })
  const answer = await sendCall(env, id, call).catch(() => undefined)
  const result = decodeHostCallResult(answer?.headers.get(HOST_CALL_HEADER) ?? null)
  if (!answer || !result)
    return end(error(503, COMPANION_LOST), { operation: '', outcome: 'failed', reason: COMPANION_LOST })
  const headers = new Headers(answer.headers)
  headers.delete(HOST_CALL_HEADER)
  return end(new Response(answer.body, { status: answer.status, headers }), result)
}

const sendCall = (env: Env, id: string, call: AgentCall): Promise<Response> => {
  const { agent, access, path, query } = call
  const { repository, terms, exceptions, declines, gitleaksConfig } = access
  const method = call.method === 'POST' ? 'POST' : 'GET'
  return askCompanion(
    env,
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
      method,
      path,
      query,
      accept: call.accept.slice(0, 1_000),
    },
    {
      body: method === 'POST' ? call.body : null,
      headers: { 'content-type': 'application/json' },
      signal: call.signal,
    },
  )
}

/** Returns an error as the hosts' APIs have them: gh and glab print `message`. */
const error = (status: number, message: string): Response =>
  Response.json({ message: `git-gate: ${message}` }, { status, headers: { 'cache-control': 'no-store' } })
