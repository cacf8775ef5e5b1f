import { createRoute, z } from '@hono/zod-openapi'
import { Declined, NewDecline } from '../../../contract/admin-api/findings.ts'
import { findRepository } from '../../../ledger/access/repositories.ts'
import { decline, listDeclined, undoDecline } from '../../../ledger/findings/declines.ts'
import { notFound } from '../../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../../router.ts'

const tags = ['exceptions']

export const declines = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/declines',
      tags,
      summary: 'List declined findings',
      request: { query: z.object({ repository: z.string().max(512).optional() }) },
      responses: jsonResponses(200, z.array(Declined), 'The declined findings, newest first'),
    }),
    async c => c.json(await listDeclined(c.env.LEDGER, c.req.valid('query').repository), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/declines',
      tags,
      summary: 'Decline a finding',
      description:
        'The gate keeps refusing the finding, removes it from the pending findings, and revokes its exception.',
      request: { body: jsonBody(NewDecline) },
      responses: jsonResponses(201, Declined, 'The declined finding'),
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
      summary: 'Undo a decline: the finding is pending again',
      request: { params: z.object({ repository: z.string().max(512), fingerprint: z.string().max(2000) }) },
      responses: jsonResponses(
        200,
        Declined.pick({ repository: true, fingerprint: true }),
        'The finding, pending again',
      ),
    }),
    async c => {
      const { repository, fingerprint } = c.req.valid('param')
      const found = await findRepository(c.env.LEDGER, repository)
      if (!found || !(await undoDecline(c.env.LEDGER, c.var.operator, found.name, fingerprint)))
        throw notFound(`declined finding ${fingerprint} of ${repository}`, 'exception')
      return c.json({ repository: found.name, fingerprint }, 200)
    },
  )
