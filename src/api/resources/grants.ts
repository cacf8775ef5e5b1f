import { createRoute, z } from '@hono/zod-openapi'
import { AgentGrant } from '../../contract/admin-api/agents.ts'
import { GrantTerms } from '../../contract/grant.ts'
import { listGrants, removeGrant, setGrant } from '../../ledger/access/grants.ts'
import { findRepository } from '../../ledger/access/repositories.ts'
import { notFound, Problem } from '../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../router.ts'
import { getAgentOr404 } from './agents.ts'

const params = z.object({ agent: z.string().max(64), repository: z.string().max(512) })
const tags = ['grants']

/** The pass of every git request carries the grant, and a header has a size limit. */
const MAX_GRANT_BYTES = 96 << 10

export const grants = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/grants',
      tags,
      summary: 'List grants',
      request: {
        query: z.object({ agent: z.string().max(64).optional(), repository: z.string().max(512).optional() }),
      },
      responses: jsonResponses(200, z.array(AgentGrant), 'The grants, sorted by agent and repository'),
    }),
    async c => c.json(await listGrants(c.env.LEDGER, c.req.valid('query')), 200),
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/grants/{agent}/{repository}',
      tags,
      summary: 'Get the grant of an agent in a repository',
      request: { params },
      responses: jsonResponses(200, AgentGrant, 'The grant'),
    }),
    async c => c.json(await getGrantOr404(c.env.LEDGER, c.req.valid('param')), 200),
  )
  .openapi(
    createRoute({
      method: 'put',
      path: '/grants/{agent}/{repository}',
      tags,
      summary: 'Replace the grant of an agent in a repository',
      description: 'A grant without rules allows reading only.',
      request: { params, body: jsonBody(GrantTerms.meta({ id: 'GrantTerms' })) },
      responses: jsonResponses(200, AgentGrant, 'The new grant'),
    }),
    async c => {
      const { agent, repository } = c.req.valid('param')
      const { name } = await getAgentOr404(c.env.LEDGER, agent)
      const found = await findRepository(c.env.LEDGER, repository)
      if (!found) throw notFound(`repository ${repository}`, 'repo')
      const terms = c.req.valid('json')
      if (new TextEncoder().encode(JSON.stringify(terms)).length > MAX_GRANT_BYTES)
        throw new Problem(
          400,
          'too-large',
          `the grant is larger than ${MAX_GRANT_BYTES >> 10} KiB`,
          'Combine its lines with globs',
        )
      const grant = { agent: name, repository: found.name, terms }
      await setGrant(c.env.LEDGER, c.var.operator, grant)
      return c.json(grant, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/grants/{agent}/{repository}',
      tags,
      summary: 'Remove the grant of an agent in a repository',
      request: { params },
      responses: jsonResponses(200, AgentGrant, 'The removed grant'),
    }),
    async c => {
      const grant = await getGrantOr404(c.env.LEDGER, c.req.valid('param'))
      await removeGrant(c.env.LEDGER, c.var.operator, grant)
      return c.json(grant, 200)
    },
  )

async function getGrantOr404(
  ledger: D1Database,
  { agent, repository }: { agent: string; repository: string },
): Promise<AgentGrant> {
  const [grant] = await listGrants(ledger, { agent, repository })
  if (!grant)
    throw new Problem(
      404,
      'not-found',
      `${agent} has no grant in ${repository}`,
      'List them: git gate grant list',
    )
  return grant
}
