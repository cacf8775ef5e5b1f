import { once } from 'node:events'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import { isSafeForSecrets } from '../../../src/contract/credential.ts'
import { UpstreamError } from '../upstream-error.ts'

/** A request to the API of an upstream's host. */
export interface HostRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HostResponse {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** A response whose body is still to be read. Its connection ends with the body. */
export interface HostStream {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: IncomingMessage
}

/** Limit of a response's body, in bytes. */
const MAX_BODY = 8 << 20
/** Timeout of a request with its response, in milliseconds. */
const TIMEOUT_MS = 30_000

/** Sends a request to a host's API as `streamHost` does, and reads the response. Rejects with UpstreamError. */
export async function requestHost(
  upstream: Pick<Upstream, 'ca' | 'proxy'>,
  request: HostRequest,
  signal: AbortSignal,
): Promise<HostResponse> {
  const { status, headers, body } = await streamHost(upstream, request, signal)
  return { status, headers, text: await readText(body, new URL(request.url).host, signal) }
}

/**
 * Sends a request to a host's API through the upstream's proxy, trusting the upstream's authorities. Follows no
 * redirect, so a token reaches no other host. Rejects with UpstreamError.
 */
export async function streamHost(
  { ca, proxy }: Pick<Upstream, 'ca' | 'proxy'>,
  { method, url, headers, body }: HostRequest,
  signal: AbortSignal,
): Promise<HostStream> {
  const { host, protocol } = new URL(url)
  if (!isSafeForSecrets(url)) throw new UpstreamError(`${host} is asked over https only`)
  const late = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
  const proxyEnv = proxy ? { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } : {}
  const [request, agent] =
    protocol === 'https:'
      ? [httpsRequest, new HttpsAgent({ proxyEnv, ...(ca.trim() ? { ca } : {}) })]
      : [httpRequest, new HttpAgent({ proxyEnv })]
  try {
    const sent = request(url, {
      method,
      headers: { 'user-agent': 'git-gate', ...headers },
      agent,
      signal: late,
    })
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>
    sent.end(body)
    const [response] = await answered
    response.once('close', () => agent.destroy())
    return { status: response.statusCode ?? 0, headers: response.headers, body: response }
  } catch (error) {
    agent.destroy()
    throw unreachable(host, error, signal, late.aborted)
  }
}

/** Reads a response of at most MAX_BODY bytes. Rejects with UpstreamError. */
export async function readText(
  response: IncomingMessage,
  host: string,
  signal: AbortSignal,
): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_BODY) throw new UpstreamError(`${host} answers with more than ${MAX_BODY} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw unreachable(host, error, signal, error instanceof Error && error.name === 'AbortError')
  }
  return Buffer.concat(chunks).toString('utf8')
}

function unreachable(host: string, error: unknown, signal: AbortSignal, isLate: boolean): UpstreamError {
  signal.throwIfAborted()
  if (error instanceof UpstreamError) return error
  const reason = isLate
    ? `no answer within ${TIMEOUT_MS / 1000} s`
    : error instanceof Error && 'code' in error
      ? error.code
      : 'the request failed'
  return new UpstreamError(`${host} cannot be reached (${reason})`, { advice: 'try again later' })
}
