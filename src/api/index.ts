import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import { authenticate } from './authenticate.ts'
import { authorize } from './authorize.ts'
import { refuseUnknownParameters } from './known-parameters.ts'
import { openApiDocument } from './openapi.ts'
import { handleProblem, Problem } from './problem.ts'
import { referencePage } from './reference.tsx'
import { adminTokens } from './resources/admin-tokens.ts'
import { agents } from './resources/agents.ts'
import { approvals } from './resources/approvals.ts'
import { credentials } from './resources/credentials.ts'
import { exportRoute } from './resources/export.ts'
import { declines } from './resources/findings/declines.ts'
import { exceptions } from './resources/findings/exceptions.ts'
import { pending } from './resources/findings/pending.ts'
import { grants } from './resources/grants.ts'
import { identities } from './resources/identities.ts'
import { operators } from './resources/operators.ts'
import { pushDiff } from './resources/push-diff.ts'
import { records } from './resources/records.ts'
import { repositories } from './resources/repositories.ts'
import { status } from './resources/status.ts'
import { tokens } from './resources/tokens.ts'
import { webhooks } from './resources/webhooks.ts'
import type { ApiEnv } from './router.ts'

const MAX_BODY_BYTES = 512 << 10

const requireJson = createMiddleware<ApiEnv>(async (c, next) => {
  const type = c.req.header('content-type')
  const empty = c.req.raw.body === null || c.req.header('content-length') === '0'
  // An empty body would set every field that has a default.
  if (empty && c.req.method === 'PUT')
    throw new Problem(
      400,
      'bad-request',
      'the request has no body',
      'Send a JSON object; see /-/api/v1/reference',
    )
  if (!empty && !/^application\/json(;|$)/i.test(type ?? ''))
    throw new Problem(
      415,
      'not-json',
      'the body is not JSON',
      'Send it with "Content-Type: application/json"',
    )
  await next()
})

/** The admin API, mounted at /-/api/v1. */
export const api = new OpenAPIHono<ApiEnv>()
api.onError(handleProblem)

api.use('*', async (c, next) => {
  await next()
  c.header('cache-control', 'no-store')
  c.header('x-content-type-options', 'nosniff')
})
api.get('/openapi.json', c => c.json(openApiDocument(api)))
api.get('/reference', c => {
  c.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
  return c.html(referencePage(openApiDocument(api)))
})

api.use('*', authenticate)
api.use(
  '*',
  bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new Problem(413, 'too-large', `the body is larger than ${MAX_BODY_BYTES >> 10} KiB`)
    },
  }),
)
api.use('*', requireJson)
authorize(api)

const routers = [
  status,
  repositories,
  identities,
  credentials,
  agents,
  grants,
  tokens,
  records,
  pushDiff,
  exceptions,
  declines,
  pending,
  approvals,
  adminTokens,
  operators,
  webhooks,
  exportRoute,
]
for (const router of routers) refuseUnknownParameters(api, router)
for (const router of routers) api.route('/', router)

api.all('*', c => {
  throw new Problem(
    404,
    'route-not-found',
    `there is no ${c.req.method} ${c.req.path.slice(0, 200)}`,
    'See /-/api/v1/reference for every route',
  )
})
