import { createRoute, z } from '@hono/zod-openapi'
import { MintedToken, NewToken, Token } from '../../contract/admin-api/tokens.ts'
import { addToken, findToken, listTokens, revokeToken } from '../../ledger/access/tokens.ts'
import { assertFuture } from '../expiry.ts'
import { notFound } from '../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../router.ts'
import { getAgentOr404 } from './agents.ts'

const tags = ['tokens']

export const tokens = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/tokens',
      tags,
      summary: "List agents' tokens, without their secrets",
      request: { query: z.object({ agent: z.string().max(64).optional() }) },
      responses: jsonResponses(200, z.array(Token), 'The tokens, newest first'),
    }),
    async c => c.json(await listTokens(c.env.LEDGER, c.req.valid('query').agent), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/tokens',
      tags,
      summary: 'Mint a token for an agent',
      request: { body: jsonBody(NewToken) },
      responses: jsonResponses(201, MintedToken, 'The token, with its secret, which is shown only once'),
    }),
    async c => {
      const wanted = c.req.valid('json')
      assertFuture('expiresAt', wanted.expiresAt)
      await getAgentOr404(c.env.LEDGER, wanted.agent)
      return c.json(await addToken(c.env.LEDGER, c.var.operator, wanted), 201)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/tokens/{id}',
      tags,
      summary: 'Revoke a token, with effect from the next request',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: jsonResponses(200, Token, 'The revoked token'),
    }),
    async c => {
      const { id } = c.req.valid('param')
      await revokeToken(c.env.LEDGER, c.var.operator, id)
      const token = await findToken(c.env.LEDGER, id)
      if (!token) throw notFound(`token ${id}`, 'token')
      return c.json(token, 200)
    },
  )
