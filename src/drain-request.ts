import { createMiddleware } from 'hono/factory'
import { drain } from './common/drain.ts'

/**
 * git's default http.postBuffer (git-config(1)). git sends a longer body only after an accepted probe
 * request.
 */
const MAX_BYTES = 1 << 20

/**
 * Reads the rest of a request body after an early response. Without it, workerd would close the connection of
 * a client that is still sending, and the client would not see the response.
 */
export const drainRequest = createMiddleware(async (c, next) => {
  await next()
  const { body } = c.req.raw
  if (body && !body.locked) await drain(body, MAX_BYTES)
})
