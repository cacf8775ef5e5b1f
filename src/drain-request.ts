import { createMiddleware } from 'hono/factory'
import { drain } from './common/drain.ts'

/** What git sends in one piece (http.postBuffer in git-config(1)); more comes only after a probe was let through. */
const MOST_BYTES = 1 << 20

/**
 * Takes the rest of a request that was refused before its end: a client that is still sending would be cut off, and
 * not see the answer.
 */
export const takeRest = createMiddleware(async (c, next) => {
  await next()
  const { body } = c.req.raw
  if (body && !body.locked) await drain(body, MOST_BYTES)
})
