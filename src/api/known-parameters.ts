import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Hono } from 'hono'
import { Problem } from './problem.ts'
import { type ApiEnv, honoPath } from './router.ts'

/**
 * Makes the API refuse a query parameter that the route does not have: without a misspelt filter it would list, or
 * change, more than was asked for. The parameters are those of the route's schema.
 */
export function refuseUnknownParameters(api: Hono<ApiEnv>, router: OpenAPIHono<ApiEnv>): void {
  for (const definition of router.openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue
    const { method, path, request } = definition.route
    const allowed = request?.query instanceof z.ZodObject ? Object.keys(request.query.shape) : []
    api.on(method.toUpperCase(), honoPath(path), async (c, next) => {
      const unknown = Object.keys(c.req.query()).find(name => !allowed.includes(name))
      if (unknown === undefined) return next()
      throw new Problem(
        400,
        'bad-request',
        `unknown query parameter ${JSON.stringify(unknown.slice(0, 200))}; ${method.toUpperCase()} ${path} has ${allowed.join(', ') || 'none'}`,
        'See /-/api/v1/reference for the parameters',
      )
    })
  }
}
