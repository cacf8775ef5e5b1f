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

/** Limit of a response's body, in bytes. */
const MAX_BODY = 8 << 20
/** Timeout of a request, in milliseconds. */
const TIMEOUT_MS = 30_000

/**
 * Sends a request to a host's API through the upstream's proxy, trusting the upstream's authorities. Follows no
 * redirect, so a token reaches no other host. Rejects with UpstreamError.
 */
export async function requestHost(
  { ca, proxy }: Pick<Upstream, 'ca' | 'proxy'>,
  { method, url, headers, body }: HostRequest,
  signal: AbortSignal,
): Promise<HostResponse> {
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
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: await readText(response, host),
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof UpstreamError) throw error
    const why = late.aborted
      ? `no answer within ${TIMEOUT_MS / 1000} s`
      : error instanceof Error && 'code' in error
        ? error.code
        : 'the request failed'
    throw new UpstreamError(`${host} cannot be reached (${why})`, { advice: 'try again later' })
  } finally {
    agent.destroy()
  }
}

async function readText(response: IncomingMessage, host: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY) throw new UpstreamError(`${host} answers with more than ${MAX_BODY} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
