import { createMiddleware } from 'hono/factory'
import { drain } from '../common/drain.ts'
import { pktLine, refusedPush, textResponse } from '../common/git-responses.ts'
import { logFault } from '../common/log.ts'
import { settingsOf } from '../common/settings.ts'
import type { ApiError } from '../contract/api.ts'
import { hashToken } from '../ledger/access/token-format.ts'
import { recordFailure } from '../ledger/auth-failures.ts'
import { addressGroup, clientAddress } from './client-address.ts'
import { credentials } from './credentials.ts'

const MINUTE_MS = 60_000
/** An address may be many agents behind one router. */
const ADDRESS_FACTOR = 10

/**
 * Bounds how often one token and one address may ask, and how often an address may fail to authenticate.
 * Requests are counted by each isolate for itself; failures in the ledger, where they stay on record. An address
 * that failed too often is told to wait when it fails again; a token that holds is still let in, so that one broken
 * agent does not lock out those beside it.
 */
export const rateLimit = createMiddleware<{ Bindings: Env }>(async (c, next) => {
  const { GATE_REQUESTS_PER_MINUTE } = settingsOf(c.env)
  const address = addressGroup(clientAddress(c.env, c.req.raw))
  const authorization = c.req.header('authorization')
  const allowed = [
    ...(authorization === undefined ? [] : [count(await tokenOf(authorization), GATE_REQUESTS_PER_MINUTE)]),
    count(address, GATE_REQUESTS_PER_MINUTE * ADDRESS_FACTOR),
  ]
  if (allowed.includes(false))
    return rejectRequest(c.req.raw, `at most ${GATE_REQUESTS_PER_MINUTE} requests a minute`)
  await next()
  if (c.res.status !== 401 || authorization === undefined) return
  const refused = await recordAuthFailure(c.env, c.req.raw)
  if (!refused) return
  // Otherwise the refusal's headers would be carried over, and its challenge make git ask again.
  c.res = undefined
  c.res = refused
})

/** Puts a request whose token does not hold on record; the answer to it when its address has failed too often. */
export async function recordAuthFailure(env: Env, request: Request): Promise<Response | undefined> {
  const address = addressGroup(clientAddress(env, request))
  const failures = await recordFailure(env.LEDGER, address).catch((error: unknown) => {
    // The request is refused all the same.
    logFault({ at: 'counting a failure' }, error)
    return 0
  })
  return failures > settingsOf(env).GATE_FAILURES_PER_MINUTE
    ? tooManyRequests(new URL(request.url).pathname, 'too many requests with tokens that do not hold')
    : undefined
}

/** What a token is counted by, however its header is spelled: its hash, since counts outlive the request. */
const tokenOf = (authorization: string) => hashToken(credentials(authorization)?.token ?? authorization)

/** Requests in this minute by who sent them; the whole is forgotten when the next one begins. */
const counts = new Map<string, number>()
let countedMinute = 0

/** So many are counted by themselves in a minute; those who come later share one count. */
const MOST_COUNTED = 50_000
const THE_OTHERS = 'others'

/** Counts one more request of `who`; false when it is over the limit. */
function count(who: string, limit: number): boolean {
  const minute = Math.floor(Date.now() / MINUTE_MS)
  if (minute !== countedMinute) {
    counts.clear()
    countedMinute = minute
  }
  const key = counts.has(who) || counts.size < MOST_COUNTED ? who : THE_OTHERS
  const now = (counts.get(key) ?? 0) + 1
  counts.set(key, now)
  return now <= limit
}

/** Seconds until the minute that is counted is over. */
const secondsToNextMinute = () => Math.ceil((MINUTE_MS - (Date.now() % MINUTE_MS)) / 1000)

/** A push that comes too often is told in git's own report, which git reads only when all of it was taken. */
async function rejectRequest(request: Request, why: string): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (!pathname.endsWith('/git-receive-pack')) return tooManyRequests(pathname, why)
  await drain(request.body)
  const wait = secondsToNextMinute()
  return refusedPush(`${why}; wait ${wait} s and try again`, { 'retry-after': String(wait) })
}

/** The refusal in the form that git prints where it was asked. */
function tooManyRequests(path: string, why: string): Response {
  const wait = secondsToNextMinute()
  const line = `${why}; wait ${wait} s and try again`
  if (path.endsWith('/git-upload-pack'))
    return new Response(pktLine(`ERR git-gate: ${line}`), {
      headers: { 'content-type': 'application/x-git-upload-pack-result', 'cache-control': 'no-cache' },
    })
  const headers = { 'retry-after': String(wait) }
  if (!path.startsWith('/-/api/')) return textResponse(429, [line], headers)
  const body: ApiError = {
    error: { code: 'rate-limited', message: why, fix: `Wait ${wait} s and try again` },
  }
  return Response.json(body, { status: 429, headers })
}
