import { createRoute, z } from '@hono/zod-openapi'
import { MintedToken, NewToken, Token } from '../../contract/api.ts'
import { addToken, findToken, listTokens, revokeToken } from '../../ledger/access/tokens.ts'
import { mustBeAhead } from '../expiry.ts'
import { notFound } from '../problem.ts'
import { answers, room, takes } from '../router.ts'
import { existingAgent } from './agents.ts'

const tags = ['tokens']

export const tokens = room()
  .openapi(
    createRoute({
      method: 'get',
      path: '/tokens',
      tags,
      summary: "Agents' tokens, without their secrets",
      request: { query: z.object({ agent: z.string().max(64).optional() }) },
      responses: answers(200, z.array(Token), 'The tokens, newest first'),
    }),
    async c => c.json(await listTokens(c.env.LEDGER, c.req.valid('query').agent), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/tokens',
      tags,
      summary: 'Mint a token for an agent',
      request: { body: takes(NewToken) },
      responses: answers(201, MintedToken, 'The token; it is shown this once'),
    }),
    async c => {
      const wanted = c.req.valid('json')
      mustBeAhead('expiresAt', wanted.expiresAt)
      await existingAgent(c.env.LEDGER, wanted.agent)
      return c.json(await addToken(c.env.LEDGER, c.var.operator, wanted), 201)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/tokens/{id}',
      tags,
      summary: 'Revoke a token: it fails at the next request',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: answers(200, Token, 'The token, revoked'),
    }),
    async c => {
      const { id } = c.req.valid('param')
      await revokeToken(c.env.LEDGER, c.var.operator, id)
      const token = await findToken(c.env.LEDGER, id)
      if (!token) throw notFound(`token ${id}`, 'token')
      return c.json(token, 200)
    },
  )
