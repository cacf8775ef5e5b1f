import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ApiEnv } from './router.ts'

/** The API described in OpenAPI 3.1, from the same schemas that parse it. */
export function document(api: OpenAPIHono<ApiEnv>) {
  api.openAPIRegistry.registerComponent('securitySchemes', 'adminToken', { type: 'http', scheme: 'bearer' })
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'git-gate admin API',
      version: '1',
      description: 'Repositories, identities, agents, grants, tokens, and the record of what they did.',
    },
    servers: [{ url: '/-/api/v1' }],
    security: [{ adminToken: [] }],
  })
}
export type ApiDocument = ReturnType<typeof document>
