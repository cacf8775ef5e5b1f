import type { Context } from 'hono'
import type { GitEnv } from '../auth/agent.ts'
import { clientAddress } from '../auth/client-address.ts'
import { textResponse, unavailable } from '../common/git-responses.ts'
import { refuseReadOnly } from '../common/refuse-read-only.ts'
import { askCompanion } from '../companion/index.ts'
import { receivePackPass } from '../companion/pass.ts'
import { SETTLE_SECONDS } from '../companion/push/push-answer.ts'
import { syncOutcome } from '../companion/push/sync-outcome.ts'
import { withoutLikelySecrets } from '../contract/text/unscanned-text.ts'
import { recordFetch } from '../ledger/fetches.ts'
import { newId } from '../ledger/id.ts'
import { openPush } from '../ledger/pushes/write-pushes.ts'

/** Returns the request headers that git http-backend reads. No other header is forwarded to the companion. */
function gitHeaders(request: Request): Headers {
  const headers = new Headers()
  for (const name of ['content-encoding', 'git-protocol']) {
    const value = request.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return headers
}

const CODINGS = new Set(['gzip', 'x-gzip'])

/**
 * Validates the headers and the query of a POST. Returns the response that refuses it, or undefined if git
 * could have sent it.
 */
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

/** Returns the agent, token, address and git version of a request, for the ledger. */
const clientInfo = (c: Context<GitEnv>) => ({
  agent: c.var.agent,
  tokenId: c.var.token.id,
  clientAddress: clientAddress(c.env, c.req.raw),
  clientVersion: withoutLikelySecrets((c.req.header('user-agent') ?? '').slice(0, 1000)).slice(0, 200),
})

/** Serves `POST /<name>/git-upload-pack`, a fetch. The body and the response are streamed. */
export async function fetchPack(c: Context<GitEnv>): Promise<Response> {
  const { repository, terms } = c.var.access
  const invalid = validatePackRequest(c.req.raw, 'git-upload-pack')
  if (invalid) return invalid
  c.executionCtx.waitUntil(recordFetch(c.env.LEDGER, { ...clientInfo(c), repository: repository.name }))
  return askCompanion(
    c.env,
    repository.name,
    { service: 'git-upload-pack', id: newId(), repository, agent: c.var.agent, terms },
    {
      headers: gitHeaders(c.req.raw),
      body: c.req.raw.body,
      length: c.req.header('content-length') ?? null,
      signal: c.req.raw.signal,
    },
  ).catch(() => unavailable('git-upload-pack'))
}

/**
 * Content length of git's probe, a single flush packet that it sends before a chunked body. A probe is not a
 * push.
 */
const PROBE_BYTES = '4'

/**
 * Serves `POST /<name>/git-receive-pack`, a push. The body and the response are streamed. The push has its
 * ledger row before the companion gets it. The Durable Object completes the row from the companion's
 * response.
 */
export async function receivePack(c: Context<GitEnv>): Promise<Response> {
  const { repository, terms } = c.var.access
  const { raw } = c.req
  const wrong = validatePackRequest(raw, 'git-receive-pack')
  if (wrong) return wrong
  if (terms.rules.length === 0) return textResponse(403, refuseReadOnly(c.var.agent, repository.name))
  const attempt = { ...clientInfo(c), repository: repository.name }
  const isProbe = c.req.header('content-length') === PROBE_BYTES
  const id = isProbe ? newId() : await openPush(c.env.LEDGER, attempt)
  const attempted = { id, repository: repository.name }
  c.set('push', id)
  const passRequest = receivePackPass(id, c.var.agent, c.var.access)
  try {
    return await askCompanion(c.env, repository.name, passRequest, {
      headers: gitHeaders(raw),
      body: raw.body,
      signal: raw.signal,
    })
  } catch {
    if (!isProbe) c.executionCtx.waitUntil(syncOutcome(c.env, attempted, SETTLE_SECONDS))
    return unavailable('git-receive-pack')
  }
}
