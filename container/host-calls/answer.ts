import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  encodeHostCallResult,
  HOST_CALL_HEADER,
  type HostCallResult,
} from '../../src/contract/hosts/host-call.ts'
import { hideToken, hideTokenInJson } from '../forge/hide-token.ts'
import { parseJson } from '../forge/host-api.ts'
import type { HostStream } from '../upstream/https/host-request.ts'

/** Limit of a streamed answer, in bytes. */
const MAX_STREAM = 64 << 20

/** Headers of the host's answer that clients act on. Any other could tell of the credential. */
const PASSED_ON = [
  'retry-after',
  ...['limit', 'remaining', 'reset', 'used', 'resource'].map(name => `x-ratelimit-${name}`),
  ...['limit', 'remaining', 'reset'].map(name => `ratelimit-${name}`),
  ...['x-page', 'x-per-page', 'x-next-page', 'x-prev-page', 'x-total', 'x-total-pages', 'x-total-count'],
]

/** Keys of JSON that name a secret of the project: `temp_clone_token` at GitHub, `runners_token` at GitLab. */
const SECRET_KEY = /token|secret|password|private_key|import_url/i

/** Sends an answer of the gate's own, as the hosts' APIs answer. */
export function respondWithJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  result: HostCallResult,
): void {
  response.writeHead(status, headersOf('application/json', result))
  response.end(JSON.stringify(body))
}

/** Sends the host's JSON, without the credential's token and without secrets of the project. */
export function passOnJson(
  response: ServerResponse,
  { status, headers, text }: { status: number; headers: IncomingHttpHeaders; text: string },
  token: string,
  result: HostCallResult,
  leavesOut: boolean,
): void {
  const body = parseJson(text)
  // A host's error may be a page for browsers, which the gate's own origin does not show.
  const safeBody =
    body === undefined ? { message: `status ${status}` } : leavesOut ? withoutSecrets(body) : body
  response.writeHead(status, { ...headersOf('application/json', result), ...passedOn(headers) })
  response.end(hideTokenInJson(JSON.stringify(safeBody), token))
}

/** Streams the host's text, at most MAX_STREAM bytes, with asterisks in the place of the credential's token. */
export async function passOnText(
  response: ServerResponse,
  { status, headers, body }: HostStream,
  token: string,
  result: HostCallResult,
): Promise<void> {
  response.writeHead(status, { ...headersOf('text/plain', result), ...passedOn(headers) })
  await pipeline(body, replaceIn(token), response)
}

const headersOf = (type: string, result: HostCallResult) => ({
  'content-type': `${type}; charset=utf-8`,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  [HOST_CALL_HEADER]: encodeHostCallResult(result),
})

const passedOn = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    PASSED_ON.flatMap(name => {
      const value = headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) =>
      SECRET_KEY.test(key) ? [] : [[key, withoutSecrets(each)]],
    ),
  )
}

/** Replaces a token in a stream, across its chunks. Fails past MAX_STREAM bytes. */
export function replaceIn(token: string): Transform {
  let pending = ''
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      if (bytes > MAX_STREAM) return done(new Error(`the host answers with more than ${MAX_STREAM} bytes`))
      // Latin-1 keeps each byte. A token is of visible ASCII characters.
      const text = hideToken(pending + chunk.toString('latin1'), token)
      const start = Math.max(0, text.length - token.length + 1)
      pending = text.slice(start)
      done(null, Buffer.from(text.slice(0, start), 'latin1'))
    },
    flush(done) {
      done(null, Buffer.from(pending, 'latin1'))
    },
  })
}
