import type { Context } from 'hono'
import { Approval } from '../../../contract/admin-api/approvals.ts'
import { hasRole } from '../../../contract/role.ts'
import { findApproval } from '../../../ledger/approvals/approvals.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { Fact } from '../../components/fact.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ObjectId, RefName, UntrustedText } from '../../components/untrusted-text.tsx'
import { type ApiProblem, callApi } from '../../forms/call-api.ts'
import { pathOf } from '../../paths.ts'
import { ErrorMessage, Form, notFoundPage, renderPage } from '../frame/layout.tsx'

/** `GET /approvals/<id>`: a push that waits for approvals, or has waited, with the form for the decision. */
export const showApproval = (c: Context<ConsoleEnv>) => approvalPage(c, c.req.param('id') ?? '')

/** `POST /approvals/<id>`: approves or rejects a push. */
export async function decideApproval(c: Context<ConsoleEnv>): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const { decision, reason } = await c.req.parseBody()
  const path = `/approvals/${encodeURIComponent(id)}/${decision === 'approve' ? 'approve' : 'reject'}`
  const body = decision === 'approve' ? undefined : { reason: String(reason ?? '') }
  const result = await callApi(c, Approval, 'POST', path, body)
  return result.ok ? c.redirect(pathOf.approval(id), 303) : approvalPage(c, id, result.problem)
}

async function approvalPage(c: Context<ConsoleEnv>, id: string, problem?: ApiProblem): Promise<Response> {
  const approval = await findApproval(c.env.LEDGER, id)
  if (!approval) return notFoundPage(c, 'approval with this id', pathOf.approvals, 'Pending findings')
  const { agent, repository, state } = approval
  const mayDecide = hasRole(c.var.operator.roles, 'approver', { repository })
  return renderPage(c, {
    title: `Approval of a push to ${repository}`,
    section: 'Pending findings',
    status: problem ? 409 : 200,
    children: (
      <>
        <div class="page-header">
          <h1>
            <UntrustedText text={agent} /> to <UntrustedText text={repository} />
          </h1>
          <p role="status">{state}</p>
        </div>
        <ErrorMessage problem={problem} />
        <Facts approval={approval} />
        {state === 'waiting' && mayDecide && <ApprovalForm c={c} id={id} />}
        <p>
          <a href={pathOf.diff(id)}>Its commits and diff</a>
        </p>
        <p>
          <a href={pathOf.push(id)}>The push, its findings and messages</a>
        </p>
        <p>
          <a href={pathOf.approvals}>All approvals</a>
        </p>
      </>
    ),
  })
}

const Facts = ({ approval }: { approval: Approval }) => (
  <dl class="facts">
    {approval.refs.map(({ ref, old, new: id }) => (
      <Fact label="Ref">
        <RefName name={ref} /> from <ObjectId id={old} /> to <ObjectId id={id} />
      </Fact>
    ))}
    <Fact label="Needs an approval">
      {approval.asks.map(ask => (
        <div>
          <UntrustedText text={ask} />
        </div>
      ))}
    </Fact>
    {approval.note && (
      <Fact label="The agent’s reason">
        <UntrustedText text={approval.note} />
      </Fact>
    )}
    <Fact label="Approvals">
      {approval.approvedBy.length} of {approval.needed}
      {approval.approvedBy.map(({ operator, at }) => (
        <div>
          <UntrustedText text={operator} />{' '}
          <span class="muted">
            <RelativeTime iso={at} />
          </span>
        </div>
      ))}
    </Fact>
    {approval.answer && (
      <Fact label="Answer">
        <UntrustedText text={approval.answer} />
      </Fact>
    )}
    <Fact label="Pushed">
      <RelativeTime iso={approval.createdAt} exact />
    </Fact>
    {approval.state === 'waiting' && (
      <Fact label="Waits until">
        <RelativeTime iso={approval.expiresAt} exact />
      </Fact>
    )}
    {approval.forward && (
      <Fact label="Forwarded as">
        <a href={pathOf.push(approval.forward)}>
          push <UntrustedText text={approval.forward} mono />
        </a>
      </Fact>
    )}
  </dl>
)

const ApprovalForm = ({ c, id }: { c: Context<ConsoleEnv>; id: string }) => (
  <Form c={c} action={pathOf.approval(id)} class="decision">
    <label class="wide">
      Reason of a rejection
      <input name="reason" maxlength={2000} placeholder="The agent reads it" autocomplete="off" />
    </label>
    <span class="actions">
      <button type="submit" name="decision" value="approve" class="primary">
        Approve
      </button>
      <button type="submit" name="decision" value="reject">
        Reject
      </button>
    </span>
  </Form>
)
