import { createRoute, z } from '@hono/zod-openapi'
import { AgentGrant } from '../../contract/api.ts'
import { Terms } from '../../contract/grant.ts'
import { listGrants, removeGrant, setGrant } from '../../ledger/access/grants.ts'
import { findRepository } from '../../ledger/access/repositories.ts'
import { notFound, Problem } from '../problem.ts'
import { answers, room, takes } from '../router.ts'
import { existingAgent } from './agents.ts'

const params = z.object({ agent: z.string().max(64), repository: z.string().max(512) })
const tags = ['grants']

/** Every request of git's takes the grant along, in the header of its pass. */
const MOST_BYTES = 96 << 10

export const grants = room()
  .openapi(
    createRoute({
      method: 'get',
      path: '/grants',
      tags,
      summary: 'Who may do what where',
      request: {
        query: z.object({ agent: z.string().max(64).optional(), repository: z.string().max(512).optional() }),
      },
      responses: answers(200, z.array(AgentGrant), 'The grants by agent and repository'),
    }),
    async c => c.json(await listGrants(c.env.LEDGER, c.req.valid('query')), 200),
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/grants/{agent}/{repository}',
      tags,
      summary: 'What an agent may do in a repository',
      request: { params },
      responses: answers(200, AgentGrant, 'The grant'),
    }),
    async c => c.json(await existing(c.env.LEDGER, c.req.valid('param')), 200),
  )
  .openapi(
    createRoute({
      method: 'put',
      path: '/grants/{agent}/{repository}',
      tags,
      summary: 'Set what an agent may do in a repository',
      description: 'It takes the place of the grant there was. No rules: the agent may read.',
      request: { params, body: takes(Terms.meta({ id: 'Terms' })) },
      responses: answers(200, AgentGrant, 'The grant as it is now'),
    }),
    async c => {
      const { agent, repository } = c.req.valid('param')
      const { name } = await existingAgent(c.env.LEDGER, agent)
      const found = await findRepository(c.env.LEDGER, repository)
      if (!found) throw notFound(`repository ${repository}`, 'repo')
      const terms = c.req.valid('json')
      if (new TextEncoder().encode(JSON.stringify(terms)).length > MOST_BYTES)
        throw new Problem(
          400,
          'too-large',
          `a grant takes no more than ${MOST_BYTES >> 10} KiB`,
          'Say with globs what its lines have in common',
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
      summary: 'Take an agent off a repository',
      request: { params },
      responses: answers(200, AgentGrant, 'The grant as it was'),
    }),
    async c => {
      const grant = await existing(c.env.LEDGER, c.req.valid('param'))
      await removeGrant(c.env.LEDGER, c.var.operator, grant.agent, grant.repository)
      return c.json(grant, 200)
    },
  )

async function existing(ledger: D1Database, of: { agent: string; repository: string }): Promise<AgentGrant> {
  const [grant] = await listGrants(ledger, of)
  if (!grant)
    throw new Problem(
      404,
      'not-found',
      `${of.agent} has no grant in ${of.repository}`,
      `See what there is: git gate grant list`,
    )
  return grant
}
