import { createRoute, z } from '@hono/zod-openapi'
import { Agent, NewAgent } from '../../contract/api.ts'
import { addAgent, findAgent, listAgents, removeAgent } from '../../ledger/access/agents.ts'
import { notFound, Problem } from '../problem.ts'
import { answers, room, takes } from '../router.ts'

const params = z.object({ name: z.string().max(64) })
const tags = ['agents']

export const agents = room()
  .openapi(
    createRoute({
      method: 'get',
      path: '/agents',
      tags,
      summary: 'Every agent',
      responses: answers(200, z.array(Agent), 'The agents by name'),
    }),
    async c => c.json(await listAgents(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/agents',
      tags,
      summary: 'Make an agent known',
      description: 'It may do nothing until it has a grant and a token.',
      request: { body: takes(NewAgent) },
      responses: answers(201, Agent, 'It is there'),
    }),
    async c => {
      const { name } = c.req.valid('json')
      if (!(await addAgent(c.env.LEDGER, c.var.operator, name)))
        throw new Problem(
          409,
          'exists',
          `there is an agent ${name} already`,
          'Choose another name, or use this one',
        )
      return c.json(await existingAgent(c.env.LEDGER, name), 201)
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/agents/{name}',
      tags,
      summary: 'One agent',
      request: { params },
      responses: answers(200, Agent, 'The agent'),
    }),
    async c => c.json(await existingAgent(c.env.LEDGER, c.req.valid('param').name), 200),
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/agents/{name}',
      tags,
      summary: 'Remove an agent with its tokens and grants',
      request: { params },
      responses: answers(200, Agent, 'The agent as it was'),
    }),
    async c => {
      const agent = await existingAgent(c.env.LEDGER, c.req.valid('param').name)
      await removeAgent(c.env.LEDGER, c.var.operator, agent.name)
      return c.json(agent, 200)
    },
  )

/** The agent, or a 404. */
export async function existingAgent(ledger: D1Database, name: string): Promise<Agent> {
  const agent = await findAgent(ledger, name)
  if (!agent) throw notFound(`agent ${name}`, 'agent')
  return agent
}
