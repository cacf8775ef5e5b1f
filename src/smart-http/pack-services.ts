import type { Context } from 'hono'
import type { GitEnv } from '../auth/agent.ts'
import { clientAddress } from '../auth/client-address.ts'
import { textResponse, unavailable } from '../common/git-responses.ts'
import { askCompanion } from '../companion/index.ts'
import type { PassRequest } from '../companion/pass.ts'
import { syncOutcome } from '../companion/sync-outcome.ts'
import { withoutLikelySecrets } from '../contract/unscanned-text.ts'
import { newId } from '../ledger/id.ts'
import { recordFetch } from '../ledger/pushes/fetches.ts'
import { openPush } from '../ledger/pushes/write-pushes.ts'

/** The request headers that git http-backend acts on; no other goes further. */
function gitHeaders(request: Request): Headers {
  const headers = new Headers()
  for (const name of ['content-encoding', 'git-protocol']) {
    const value = request.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return headers
}

const CODINGS = new Set(['gzip', 'x-gzip'])

/** Why a POST is not one of git's for this service, as an answer; undefined: it is. */
function validatePackRequest(
  request: Request,
  service: 'git-upload-pack' | 'git-receive-pack',
): Response | undefined {
  const type = `application/x-${service}-request`
  if (request.headers.get('content-type') !== type)
    return textResponse(415, [`the content type must be ${type}`])
  const coding = request.headers.get('content-encoding')
  if (coding !== null && !CODINGS.has(coding))
    return textResponse(415, [`the content encoding ${JSON.stringify(coding)} is not taken for ${service}`])
  if (new URL(request.url).search !== '') return textResponse(400, [`${service} takes no query`])
  return undefined
}

/** Who stands behind a request, for the record. */
const clientInfo = (c: Context<GitEnv>) => ({
  agent: c.var.agent,
  token: c.var.token.id,
  clientAddress: clientAddress(c.env, c.req.raw),
  clientVersion: withoutLikelySecrets((c.req.header('user-agent') ?? '').slice(0, 1000)).slice(0, 200),
})

/** `POST /<name>/git-upload-pack`: a fetch, streamed. */
export async function fetchPack(c: Context<GitEnv>): Promise<Response> {
  const { repository, terms } = c.var.access
  const wrong = validatePackRequest(c.req.raw, 'git-upload-pack')
  if (wrong) return wrong
  c.executionCtx.waitUntil(recordFetch(c.env.LEDGER, { ...clientInfo(c), repository: repository.name }))
  return askCompanion(
    c.env,
    repository.name,
    { service: 'git-upload-pack', id: newId(), repository, agent: c.var.agent, terms },
    { headers: gitHeaders(c.req.raw), body: c.req.raw.body, signal: c.req.raw.signal },
  ).catch(() => unavailable('git-upload-pack'))
}

/** The 4-byte flush packet that git sends before a chunked body is a probe of the way, not a push. */
const PROBE_BYTES = '4'

/**
 * `POST /<name>/git-receive-pack`: a push, streamed. Its row is in the ledger before the companion hears of it; the
 * Durable Object writes the rest of it there, from the companion's answer.
 */
export async function receivePack(c: Context<GitEnv>): Promise<Response> {
  const { repository, terms, exceptions, declines, gitleaksConfig } = c.var.access
  const { raw } = c.req
  const wrong = validatePackRequest(raw, 'git-receive-pack')
  if (wrong) return wrong
  if (terms.rules.length === 0)
    return textResponse(403, [`${c.var.agent} may read ${repository.name}, not push to it`])
  const attempt = { ...clientInfo(c), repository: repository.name }
  const probe = c.req.header('content-length') === PROBE_BYTES
  const id = probe ? newId() : await openPush(c.env.LEDGER, attempt)
  c.set('push', id)
  const ask: PassRequest = {
    service: 'git-receive-pack',
    id,
    repository,
    agent: c.var.agent,
    terms,
    exceptions: [...exceptions],
    declines: [...declines],
    gitleaksConfig,
  }
  try {
    return await askCompanion(c.env, repository.name, ask, {
      headers: gitHeaders(raw),
      body: raw.body,
      signal: raw.signal,
    })
  } catch {
    if (!probe) c.executionCtx.waitUntil(syncOutcome(c.env, { id, repository: repository.name }, 25))
    return unavailable('git-receive-pack')
  }
}
