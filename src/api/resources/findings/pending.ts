import { createRoute, z } from '@hono/zod-openapi'
import { DecisionResult, NewDecision, PendingPage } from '../../../contract/admin-api/findings.ts'
import { findRepository } from '../../../ledger/access/repositories.ts'
import { declineMany } from '../../../ledger/findings/declines.ts'
import { addExceptions } from '../../../ledger/findings/exceptions.ts'
import { listPending, selectPending } from '../../../ledger/findings/pending-findings.ts'
import { assertFuture } from '../../expiry.ts'
import { notFound, Problem } from '../../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../../router.ts'
import { assertRoomFor } from './exceptions.ts'

const tags = ['exceptions']

export const pending = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/pending',
      tags,
      summary: 'List the findings that wait for a decision',
      request: {
        query: z.object({
          repository: z.string().max(512).optional(),
          cursor: z.string().max(3_000).optional(),
        }),
      },
      responses: jsonResponses(
        200,
        PendingPage,
        'The findings: those whose agent asks for an exception first',
      ),
    }),
    async c => {
      const { cursor, repository } = c.req.valid('query')
      const { waiting, next } = await listPending(c.env.LEDGER, cursor, { repository })
      return c.json({ pending: waiting.map(({ asking: _, ...each }) => each), next }, 200)
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/decisions',
      tags,
      summary: 'Allow or decline several pending findings with one reason',
      request: { body: jsonBody(NewDecision) },
      responses: jsonResponses(201, DecisionResult, 'The findings that were decided'),
    }),
    async c => {
      const { decision, select, ...wanted } = c.req.valid('json')
      assertFuture('until', wanted.until)
      const repository = (await findRepository(c.env.LEDGER, wanted.repository))?.name
      if (!repository) throw notFound(`repository ${wanted.repository}`, 'repo')
      const fingerprints = await selectPending(c.env.LEDGER, repository, select)
      const unknown = select.fingerprints?.filter(each => !fingerprints.includes(each)) ?? []
      if (fingerprints.length === 0 || unknown.length > 0)
        throw new Problem(
          404,
          'not-found',
          unknown.length > 0
            ? `no finding ${unknown.join(', ')} of ${repository} waits for a decision`
            : `no finding of ${repository} that waits for a decision matches the selection`,
          'List them: git gate pending list',
        )
      if (decision === 'decline')
        await declineMany(c.env.LEDGER, c.var.operator, { ...wanted, repository, fingerprints })
      else {
        await assertRoomFor(c.env.LEDGER, fingerprints.length, repository)
        await addExceptions(c.env.LEDGER, c.var.operator, { ...wanted, repository, fingerprints })
      }
      return c.json({ repository, fingerprints }, 201)
    },
  )
