import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { textResponse } from './git-responses.ts'
import { settingsOf } from './settings.ts'

/** Requests whose body is streamed to the companion, which has timeouts of its own. */
const STREAMED = /\/(?:git-upload-pack|git-receive-pack|info\/lfs\/objects\/[0-9a-f]+)$/

/** Hono's environment of a request whose body did not arrive in time. */
interface LateEnv {
  Bindings: Env
  Variables: { isLate?: true }
}

/**
 * Limits the time for the whole body of a short request. workerd waits for a body without an end, and a client needs no
 * token for a form.
 */
export const limitBodyTime = createMiddleware<LateEnv>(async (c, next) => {
  const { raw } = c.req
  if (raw.body && !STREAMED.test(new URL(raw.url).pathname)) {
    const body = endInTime(raw.body, settingsOf(c.env).GATE_COMMANDS_SECONDS * 1000, () =>
      c.set('isLate', true),
    )
    c.req.raw = new Request(raw, { body, signal: raw.signal })
  }
  await next()
})

/** Returns the answer to a request that failed because its body did not arrive in time, or undefined. */
export const lateResponse = (c: Context): Response | undefined =>
  (c as Context<LateEnv>).get('isLate')
    ? textResponse(408, ['the whole request did not arrive in time'])
    : undefined

/** Returns a body that fails when it has not ended within `ms` milliseconds. */
function endInTime(
  body: ReadableStream<Uint8Array>,
  ms: number,
  onLate: () => void,
): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream()
  const late = new AbortController()
  const timer = setTimeout(() => {
    onLate()
    late.abort()
  }, ms)
  body
    .pipeTo(writable, { signal: late.signal })
    .catch(() => {})
    .finally(() => clearTimeout(timer))
  return readable
}
