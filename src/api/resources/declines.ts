import { createRoute, z } from '@hono/zod-openapi'
import { Declined, NewDecline } from '../../contract/api.ts'
import { findRepository } from '../../ledger/access/repositories.ts'
import { decline, listDeclined, takeBackDecline } from '../../ledger/findings/declines.ts'
import { notFound } from '../problem.ts'
import { answers, room, takes } from '../router.ts'

const tags = ['exceptions']

export const declines = room()
  .openapi(
    createRoute({
      method: 'get',
      path: '/declines',
      tags,
      summary: 'The findings that operators declined',
      responses: answers(200, z.array(Declined), 'The declined findings, newest first'),
    }),
    async c => c.json(await listDeclined(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/declines',
      tags,
      summary: 'Decline a finding: it is refused from now on, and waits for nobody',
      description: 'An exception that it has ends.',
      request: { body: takes(NewDecline) },
      responses: answers(201, Declined, 'It is declined'),
    }),
    async c => {
      const wanted = c.req.valid('json')
      const repository = await findRepository(c.env.LEDGER, wanted.repository)
      if (!repository) throw notFound(`repository ${wanted.repository}`, 'repo')
      return c.json(
        await decline(c.env.LEDGER, c.var.operator, { ...wanted, repository: repository.name }),
        201,
      )
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/declines/{repository}/{fingerprint}',
      tags,
      summary: 'Take a decline back: the finding waits for a decision again',
      request: { params: z.object({ repository: z.string().max(512), fingerprint: z.string().max(2000) }) },
      responses: answers(200, Declined.pick({ repository: true, fingerprint: true }), 'It waits again'),
    }),
    async c => {
      const { repository, fingerprint } = c.req.valid('param')
      const found = await findRepository(c.env.LEDGER, repository)
      if (!found || !(await takeBackDecline(c.env.LEDGER, c.var.operator, found.name, fingerprint)))
        throw notFound(`declined finding ${fingerprint} of ${repository}`, 'exception')
      return c.json({ repository: found.name, fingerprint }, 200)
    },
  )
