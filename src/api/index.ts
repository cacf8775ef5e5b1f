import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { adminTokens } from './admin-tokens.ts'
import { agents } from './agents.ts'
import { authenticate } from './authenticate.ts'
import { declines } from './declines.ts'
import { document } from './document.ts'
import { exceptions } from './exceptions.ts'
import { exported } from './export.ts'
import { grants } from './grants.ts'
import { history } from './history.ts'
import { identities } from './identities.ts'
import { introduced } from './introduced.ts'
import { answerProblem, Problem } from './problem.ts'
import { referencePage } from './reference.tsx'
import { repositories } from './repositories.ts'
import type { ApiEnv } from './room.ts'
import { status } from './status.ts'
import { tokens } from './tokens.ts'
import { webhooks } from './webhooks.ts'

const MAX_BODY_BYTES = 512 << 10

/** The admin API, mounted at /-/api/v1. */
export const api = new OpenAPIHono<ApiEnv>()
api.onError(answerProblem)

api.use('*', async (c, next) => {
  await next()
  c.header('cache-control', 'no-store')
  c.header('x-content-type-options', 'nosniff')
})
api.get('/openapi.json', c => c.json(document(api)))
api.get('/reference', c => {
  c.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
  return c.html(referencePage(document(api)))
})

api.use('*', authenticate)
api.use(
  '*',
  bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new Problem(413, 'too-large', `a request has at most ${MAX_BODY_BYTES >> 10} KiB here`)
    },
  }),
)
api.use('*', async (c, next) => {
  const type = c.req.header('content-type')
  const empty = c.req.raw.body === null || c.req.header('content-length') === '0'
  // Where every field has a default, no body would set them all.
  if (empty && c.req.method === 'PUT')
    throw new Problem(400, 'bad-request', 'there is no body', 'Send a JSON object; see /-/api/v1/reference')
  if (!empty && !/^application\/json(;|$)/i.test(type ?? ''))
    throw new Problem(
      415,
      'not-json',
      'the body is not JSON',
      'Send it with "Content-Type: application/json"',
    )
  await next()
})

api.route('/', status)
api.route('/', repositories)
api.route('/', identities)
api.route('/', agents)
api.route('/', grants)
api.route('/', tokens)
api.route('/', history)
api.route('/', introduced)
api.route('/', exceptions)
api.route('/', declines)
api.route('/', adminTokens)
api.route('/', webhooks)
api.route('/', exported)

api.all('*', c => {
  throw new Problem(
    404,
    'no-route',
    `there is no ${c.req.method} ${c.req.path.slice(0, 200)}`,
    'See /-/api/v1/reference for what there is',
  )
})
