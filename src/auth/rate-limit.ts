import { createMiddleware } from 'hono/factory'
import { drain } from '../common/drain.ts'
import { pktLine, refusedPush, textResponse } from '../common/git-responses.ts'
import { logError } from '../common/log.ts'
import { settingsOf } from '../common/settings.ts'
import type { ApiError } from '../contract/admin-api/common.ts'
import { hashToken } from '../ledger/access/token-format.ts'
import { countAuthFailure } from '../ledger/auth-failures.ts'
import { addressGroup, clientAddress } from './client-address.ts'
import { authorizationOf, credentials } from './credentials.ts'

const MINUTE_MS = 60_000
/** The limit per address, as a multiple of the limit per token: many agents may share a router. */
const ADDRESS_FACTOR = 10
/**
 * The limit for LFS objects, as a multiple of the limit of other requests. A checkout with thousands of objects sends two
 * requests for each, and git-lfs waits for the next minute when it is told to.
 */
const TRANSFER_FACTOR = 10
const TRANSFER_PATH = /\/info\/lfs\/objects\/[0-9a-f]{64}(?:\/verify)?$/

/**
 * Limits the requests per token, the requests per address and the failed authentications per address, each
 * per minute. Each isolate counts requests in memory; the ledger counts failures and keeps them on record. An
 * address over the limit of failures gets 429 for its next failure. Valid tokens still pass, so that one
 * broken agent does not lock out the other agents at its address.
 */
export const rateLimit = createMiddleware<{ Bindings: Env }>(async (c, next) => {
  const { GATE_REQUESTS_PER_MINUTE } = settingsOf(c.env)
  const address = addressGroup(clientAddress(c.env, c.req.raw))
  const authorization = authorizationOf(c.req.raw)
  const isTransfer = TRANSFER_PATH.test(new URL(c.req.url).pathname)
  const limit = GATE_REQUESTS_PER_MINUTE * (isTransfer ? TRANSFER_FACTOR : 1)
  const kind = isTransfer ? 'lfs ' : ''
  const allowed = [
    ...(authorization === undefined ? [] : [count(kind + (await tokenOf(authorization)), limit)]),
    count(kind + address, limit * ADDRESS_FACTOR),
  ]
  if (allowed.includes(false)) return rejectRequest(c.req.raw, `at most ${limit} requests a minute`)
  await next()
  if (c.res.status !== 401 || authorization === undefined) return
  const refused = await recordAuthFailure(c.env, c.req.raw)
  if (!refused) return
  // Hono copies the headers of the old response, and its WWW-Authenticate would make git ask again.
  c.res = undefined
  c.res = refused
})

/**
 * Records a failed authentication. Returns a 429 response if the client's address is over the limit of
 * failures.
 */
export async function recordAuthFailure(env: Env, request: Request): Promise<Response | undefined> {
  const address = addressGroup(clientAddress(env, request))
  const failures = await countAuthFailure(env.LEDGER, address).catch((error: unknown) => {
    // The request gets its 401 even if the ledger cannot count it.
    logError({ at: 'counting a failure' }, error)
    return 0
  })
  return failures > settingsOf(env).GATE_FAILURES_PER_MINUTE
    ? tooManyRequests(new URL(request.url).pathname, 'too many failed authentications')
    : undefined
}

/**
 * Returns the token's hash, the same for Basic and Bearer. Counts outlive the request, so they hold no token.
 */
const tokenOf = (authorization: string) => hashToken(credentials(authorization)?.token ?? authorization)

/** Requests in the current minute, by token hash and by address group, those for LFS objects apart. */
const counts = new Map<string, number>()
let countedMinute = 0

/**
 * The largest number of keys counted separately in a minute. Further keys share one count, which bounds
 * memory.
 */
const MAX_COUNTED = 50_000
const OTHER_ADDRESSES = 'others'

/** Counts a request of `client`. Returns false if it exceeds the limit per minute. */
function count(client: string, limit: number): boolean {
  const minute = Math.floor(Date.now() / MINUTE_MS)
  if (minute !== countedMinute) {
    counts.clear()
    countedMinute = minute
  }
  const key = counts.has(client) || counts.size < MAX_COUNTED ? client : OTHER_ADDRESSES
  const now = (counts.get(key) ?? 0) + 1
  counts.set(key, now)
  return now <= limit
}

/** Returns the seconds until the next counted minute, for Retry-After. */
const secondsToNextMinute = () => Math.ceil((MINUTE_MS - (Date.now() % MINUTE_MS)) / 1000)

/**
 * Rejects a push in git's own report. git reads the report only after it has sent the whole pack, hence the
 * drain.
 */
async function rejectRequest(request: Request, reason: string): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (!pathname.endsWith('/git-receive-pack')) return tooManyRequests(pathname, reason)
  await drain(request.body)
  const wait = secondsToNextMinute()
  return refusedPush(`${reason}; wait ${wait} s and try again`, { 'retry-after': String(wait) })
}

/** Returns the refusal in a form that git prints for this path: an ERR packet for a fetch, else 429. */
function tooManyRequests(path: string, reason: string): Response {
  const wait = secondsToNextMinute()
  const line = `${reason}; wait ${wait} s and try again`
  if (path.endsWith('/git-upload-pack'))
    return new Response(pktLine(`ERR git-gate: ${line}`), {
      headers: { 'content-type': 'application/x-git-upload-pack-result', 'cache-control': 'no-cache' },
    })
  const headers = { 'retry-after': String(wait) }
  if (!path.startsWith('/-/api/')) return textResponse(429, [line], headers)
  const body: ApiError = {
    error: { code: 'rate-limited', message: reason, fix: `Wait ${wait} s and try again` },
  }
  return Response.json(body, { status: 429, headers })
}
