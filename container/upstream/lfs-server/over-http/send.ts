import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Upstream } from '../../../../src/contract/companion-api/pass.ts'
import { isSafeForSecrets } from '../../../../src/contract/credential.ts'
import { UpstreamError } from '../../upstream-error.ts'

/** The longest silence of an LFS server, in milliseconds. */
const IDLE_MS = 60_000

/** The most redirects of one request. */
const MAX_REDIRECTS = 5

export interface LfsRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** The body, whose length is in `headers` where it is known. */
  readonly body?: string | Readable
  /** The longest wait for the answer after the body has been sent, in milliseconds. */
  readonly answerMs?: number
}

/**
 * Sends a request to an LFS server. Returns its answer with an unread body. Rejects with UpstreamError. The
 * headers go to the given address, and to no other origin that it redirects to.
 */
export type LfsSender = (url: string, request: LfsRequest) => Promise<IncomingMessage>

/** Creates the sender of one upstream, which trusts its authorities and uses its proxy. */
export function createLfsSender({ ca, proxy }: Pick<Upstream, 'ca' | 'proxy'>): LfsSender {
  const options = {
    keepAlive: true,
    maxSockets: 16,
    proxyEnv: proxy ? { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } : {},
  }
  const agents: Agents = {
    'http:': new http.Agent(options),
    'https:': new https.Agent({ ...options, ...(ca.trim() ? { ca } : {}) }),
  }
  return (url, request) => follow(agents, url, request, 0)
}

interface Agents {
  readonly 'http:': http.Agent
  readonly 'https:': https.Agent
}

async function follow(
  agents: Agents,
  url: string,
  request: LfsRequest,
  redirects: number,
): Promise<IncomingMessage> {
  const answer = await send(agents, parse(url), request)
  const { statusCode = 0, headers } = answer
  if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return answer
  answer.resume()
  if (redirects >= MAX_REDIRECTS || typeof request.body === 'object')
    throw new UpstreamError(`the LFS server ${new URL(url).host} redirects in a way that is not followed`)
  const to = new URL(headers.location, url)
  const isSame = to.origin === new URL(url).origin
  return follow(agents, to.href, { ...request, headers: isSame ? request.headers : {} }, redirects + 1)
}

function parse(url: string): URL {
  if (!URL.canParse(url)) throw new UpstreamError('the LFS server gives an address that cannot be read')
  const parsed = new URL(url)
  // Its headers hold secrets.
  if (!isSafeForSecrets(url))
    throw new UpstreamError(`the LFS server ${parsed.host} is asked over https only`)
  return parsed
}

async function send(
  agents: Agents,
  url: URL,
  { method, headers, signal, body, answerMs = IDLE_MS }: LfsRequest,
): Promise<IncomingMessage> {
  signal.throwIfAborted()
  const init = { method, headers: { 'user-agent': 'git-gate', ...headers }, signal }
  const request =
    url.protocol === 'https:'
      ? https.request(url, { ...init, agent: agents['https:'] })
      : http.request(url, { ...init, agent: agents['http:'] })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
    request.setTimeout(answerMs, () => request.destroy(new Error('it does not answer')))
  })
  answered.catch(() => {})
  try {
    // A server may answer and close before it has read the body: the answer then has the reason.
    if (typeof body === 'object') await Promise.race([pipeline(body, request), answered])
    else request.end(body)
    return await answered
  } catch (error) {
    request.destroy()
    signal.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    throw new UpstreamError(`the LFS server ${url.host} cannot be reached (${reason}); try again later`)
  }
}

/** Returns the text of an answer's body. Rejects with UpstreamError past `maxBytes`. */
export async function answerText(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBytes) {
      answer.destroy()
      throw new UpstreamError('the LFS server answers with more than it was asked for')
    }
  }
  return Buffer.concat(chunks).toString('utf8')
}
