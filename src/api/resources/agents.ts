import { createRoute, z } from '@hono/zod-openapi'
import { Agent, NewAgent } from '../../contract/admin-api/agents.ts'
import { addAgent, findAgent, listAgents, removeAgent } from '../../ledger/access/agents.ts'
import { notFound, Problem } from '../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../router.ts'

const params = z.object({ name: z.string().max(64) })
const tags = ['agents']

export const agents = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/agents',
      tags,
      summary: 'List agents',
      responses: jsonResponses(200, z.array(Agent), 'The agents, sorted by name'),
    }),
    async c => c.json(await listAgents(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/agents',
      tags,
      summary: 'Add an agent',
      description: 'The agent needs a grant and a token before it can fetch or push.',
      request: { body: jsonBody(NewAgent) },
      responses: jsonResponses(201, Agent, 'The new agent'),
    }),
    async c => {
      const { name } = c.req.valid('json')
      if (!(await addAgent(c.env.LEDGER, c.var.operator, name)))
        throw new Problem(
          409,
          'exists',
          `agent ${name} already exists`,
          'Choose another name, or use the existing agent',
        )
      return c.json(await getAgentOr404(c.env.LEDGER, name), 201)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/agents/{name}',
      tags,
      summary: 'Get an agent',
      request: { params },
      responses: jsonResponses(200, Agent, 'The agent'),
    }),
    async c => c.json(await getAgentOr404(c.env.LEDGER, c.req.valid('param').name), 200),
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/agents/{name}',
      tags,
      summary: 'Remove an agent with its tokens and grants',
      request: { params },
      responses: jsonResponses(200, Agent, 'The removed agent'),
    }),
    async c => {
      const agent = await getAgentOr404(c.env.LEDGER, c.req.valid('param').name)
      await removeAgent(c.env.LEDGER, c.var.operator, agent.name)
      return c.json(agent, 200)
    },
  )

/** Returns the agent, or throws a 404. */
export async function getAgentOr404(ledger: D1Database, name: string): Promise<Agent> {
  const agent = await findAgent(ledger, name)
  if (!agent) throw notFound(`agent ${name}`, 'agent')
  return agent
}
