import { createRoute, z } from '@hono/zod-openapi'
import { AdminToken, MintedAdminToken, NewAdminToken } from '../../contract/api.ts'
import {
  addAdminToken,
  findAdminToken,
  listAdminTokens,
  revokeAdminToken,
} from '../../ledger/access/admin-tokens.ts'
import { mustBeAhead } from '../expiry.ts'
import { notFound } from '../problem.ts'
import { answers, room, takes } from '../router.ts'

const tags = ['admin tokens']

export const adminTokens = room()
  .openapi(
    createRoute({
      method: 'get',
      path: '/admin-tokens',
      tags,
      summary: "Operators' tokens, without their secrets",
      responses: answers(
        200,
        z.array(AdminToken),
        'The tokens, newest first; the one of the environment is not among them',
      ),
    }),
    async c => c.json(await listAdminTokens(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/admin-tokens',
      tags,
      summary: 'Mint a token for an operator',
      request: { body: takes(NewAdminToken) },
      responses: answers(201, MintedAdminToken, 'The token; it is shown this once'),
    }),
    async c => {
      const wanted = c.req.valid('json')
      mustBeAhead('expiresAt', wanted.expiresAt)
      return c.json(await addAdminToken(c.env.LEDGER, c.var.operator, wanted), 201)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/admin-tokens/{id}',
      tags,
      summary: 'Revoke an admin token: it fails at the next request',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: answers(200, AdminToken, 'The token, revoked'),
    }),
    async c => {
      const { id } = c.req.valid('param')
      await revokeAdminToken(c.env.LEDGER, c.var.operator, id)
      const token = await findAdminToken(c.env.LEDGER, id)
      if (!token) throw notFound(`admin token ${id}`, 'admin-token')
      return c.json(token, 200)
    },
  )
