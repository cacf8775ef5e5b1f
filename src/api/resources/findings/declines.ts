import { createRoute, z } from '@hono/zod-openapi'
import { Declined, DeclinedPage, DeclinedQuery, NewDecline } from '../../../contract/admin-api/findings.ts'
import { Fingerprint } from '../../../contract/outcome.ts'
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
      request: { query: DeclinedQuery },
      responses: jsonResponses(200, DeclinedPage, 'The declined findings, newest first'),
    }),
    async c => {
      const { repository, limit, cursor } = c.req.valid('query')
      const from = Number(cursor ?? 0)
      const found = await listDeclined(c.env.LEDGER, { repository, from, limit: limit + 1 })
      const next = found.length > limit ? String(from + limit) : null
      return c.json({ declined: found.slice(0, limit), next }, 200)
    },
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
      request: { params: z.object({ repository: z.string().max(512), fingerprint: Fingerprint }) },
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
