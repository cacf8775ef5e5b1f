import { createRoute, z } from '@hono/zod-openapi'
import { logError } from '../../common/log.ts'
import { beginForward, makeHeldPushDeletable } from '../../companion/push/forward-approved.ts'
import { Approval, ApprovalPage, ApprovalQuery, Rejection } from '../../contract/admin-api/approvals.ts'
import { approve, findApproval, listApprovals, reject } from '../../ledger/approvals/approvals.ts'
import { findPush } from '../../ledger/pushes/read-pushes.ts'
import { notFound, Problem } from '../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../router.ts'
import { assertRoomFor } from './findings/exceptions.ts'

const tags = ['approvals']
const params = z.object({ id: z.string().max(64) })

/** The time that the answer to an approval waits for the forward, in milliseconds. */
const FORWARD_TIMEOUT_MS = 20_000

async function approvalOf(ledger: D1Database, id: string): Promise<Approval> {
  const approval = await findApproval(ledger, id)
  if (!approval) throw notFound(`approval ${id}`, 'approval')
  return approval
}

const notWaiting = ({ id, state }: Approval) =>
  new Problem(
    409,
    'not-waiting',
    `push ${id} does not wait for an approval: it is ${state}`,
    'The agent pushes again, and that push waits',
  )

export const approvals = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/approvals',
      tags,
      summary: 'List the pushes that wait for an approval, or have waited',
      request: { query: ApprovalQuery },
      responses: jsonResponses(200, ApprovalPage, 'The approvals, newest first'),
    }),
    async c => c.json(await listApprovals(c.env.LEDGER, c.req.valid('query')), 200),
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/approvals/{id}',
      tags,
      summary: 'Get an approval',
      request: { params },
      responses: jsonResponses(200, Approval, 'The approval'),
    }),
    async c => c.json(await approvalOf(c.env.LEDGER, c.req.valid('param').id), 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/approvals/{id}/approve',
      tags,
      summary: 'Approve a push; with the last approval that it needs, the gate forwards it',
      request: { params },
      responses: jsonResponses(
        200,
        Approval,
        'The approval; forwarded or failed if the forward has ended by then',
      ),
    }),
    async c => {
      const { id } = c.req.valid('param')
      const before = await approvalOf(c.env.LEDGER, id)
      if (before.findings && before.state === 'waiting') {
        const asking = (await findPush(c.env.LEDGER, id))?.findings.filter(each => each.asksForException)
        await assertRoomFor(c.env.LEDGER, asking?.length ?? 0, before.repository)
      }
      if (!(await approve(c.env.LEDGER, c.var.operator, id))) {
        if (before.state !== 'waiting') throw notWaiting(before)
        const { name } = c.var.operator
        const isSameName = before.approvedBy.some(({ operator }) => operator === name)
        throw new Problem(
          409,
          'approved-already',
          isSameName
            ? `push ${id} has the approval of ${name} already`
            : `push ${id} has the approval of the person of ${name} already, by another token or sign-in`,
          `It needs ${before.needed} approvals, of different people`,
        )
      }
      await beginForward(c.env, id, FORWARD_TIMEOUT_MS, work => c.executionCtx.waitUntil(work))
      return c.json(await approvalOf(c.env.LEDGER, id), 200)
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/approvals/{id}/reject',
      tags,
      summary: 'Reject a push with a reason, which the agent is told',
      request: { params, body: jsonBody(Rejection) },
      responses: jsonResponses(200, Approval, 'The approval'),
    }),
    async c => {
      const { id } = c.req.valid('param')
      const before = await approvalOf(c.env.LEDGER, id)
      if (!(await reject(c.env.LEDGER, c.var.operator, id, c.req.valid('json').reason)))
        throw notWaiting(before)
      const stopped = makeHeldPushDeletable(c.env, before.repository, id).catch(error =>
        logError({ push: id }, error),
      )
      c.executionCtx.waitUntil(stopped)
      return c.json(await approvalOf(c.env.LEDGER, id), 200)
    },
  )
