import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ApiEnv } from './router.ts'

/** Returns the API's OpenAPI 3.1 document, made from the schemas that parse its requests. */
export function openApiDocument(api: OpenAPIHono<ApiEnv>) {
  api.openAPIRegistry.registerComponent('securitySchemes', 'adminToken', { type: 'http', scheme: 'bearer' })
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'git-gate admin API',
      version: '1',
      description: 'Repositories, identities, agents, grants, tokens, exceptions, and the push history.',
    },
    servers: [{ url: '/-/api/v1' }],
    security: [{ adminToken: [] }],
  })
}
export type ApiDocument = ReturnType<typeof openApiDocument>
