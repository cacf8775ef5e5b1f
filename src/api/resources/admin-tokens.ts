import { createRoute, z } from '@hono/zod-openapi'
import { AdminToken, MintedAdminToken, NewAdminToken } from '../../contract/admin-api/tokens.ts'
import {
  addAdminToken,
  findAdminToken,
  listAdminTokens,
  revokeAdminToken,
} from '../../ledger/access/admin-tokens.ts'
import { canonicalRepository } from '../canonical-repository.ts'
import { assertFuture } from '../expiry.ts'
import { notFound } from '../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../router.ts'

const tags = ['admin tokens']

export const adminTokens = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/admin-tokens',
      tags,
      summary: 'List admin tokens, without their secrets',
      responses: jsonResponses(
        200,
        z.array(AdminToken),
        'The tokens, newest first, without the GATE_ADMIN_TOKEN of the environment',
      ),
    }),
    async c => c.json(await listAdminTokens(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/admin-tokens',
      tags,
      summary: 'Mint an admin token',
      request: { body: jsonBody(NewAdminToken) },
      responses: jsonResponses(201, MintedAdminToken, 'The token, with its secret, which is shown only once'),
    }),
    async c => {
      const wanted = c.req.valid('json')
      assertFuture('expiresAt', wanted.expiresAt)
      const repository = await canonicalRepository(c.env.LEDGER, wanted.repository)
      return c.json(await addAdminToken(c.env.LEDGER, c.var.operator, { ...wanted, repository }), 201)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/admin-tokens/{id}',
      tags,
      summary: 'Revoke an admin token, with effect from the next request',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: jsonResponses(200, AdminToken, 'The revoked token'),
    }),
    async c => {
      const { id } = c.req.valid('param')
      await revokeAdminToken(c.env.LEDGER, c.var.operator, id)
      const token = await findAdminToken(c.env.LEDGER, id)
      if (!token) throw notFound(`admin token ${id}`, 'admin-token')
      return c.json(token, 200)
    },
  )
