import type { Context } from 'hono'
import type { Approval } from '../../../contract/admin-api/approvals.ts'
import { listApprovals } from '../../../ledger/pushes/approvals.ts'
import { listedRepository } from '../../auth/authorize.tsx'
import type { ConsoleEnv } from '../../auth/env.ts'
import { plural } from '../../components/plural.ts'
import { RelativeTime } from '../../components/relative-time.tsx'
import { RefName, UntrustedText } from '../../components/untrusted-text.tsx'
import { pathOf } from '../../paths.ts'
import { EmptyState, renderPage } from '../frame/layout.tsx'

/** `GET /approvals`: the pushes that wait for an approval, then those that were decided. */
export async function showApprovals(c: Context<ConsoleEnv>): Promise<Response> {
  const repository = listedRepository(c)
  const [{ approvals: waiting }, { approvals: all }] = await Promise.all([
    listApprovals(c.env.LEDGER, { repository, state: 'waiting' }),
    listApprovals(c.env.LEDGER, { repository }),
  ])
  const decided = all.filter(({ state }) => state !== 'waiting')
  return renderPage(c, {
    title: 'Approvals',
    section: 'Pending findings',
    children: (
      <>
        <div class="page-header">
          <h1>Pushes that wait for an approval</h1>
          <p>
            <a href={pathOf.pending}>Pending findings</a>
          </p>
        </div>
        {waiting.length > 0 ? (
          <ApprovalList approvals={waiting} />
        ) : (
          <EmptyState title="No push waits for an approval.">
            <p>
              A grant's ask rules say which pushes wait:{' '}
              <code>git gate grant set AGENT REPOSITORY --ask</code>, or the grant's page.
            </p>
          </EmptyState>
        )}
        {decided.length > 0 && (
          <section aria-labelledby="decided">
            <h2 id="decided">Decided</h2>
            <ApprovalList approvals={decided} />
          </section>
        )}
      </>
    ),
  })
}

const ApprovalList = ({ approvals }: { approvals: readonly Approval[] }) => (
  <ul class="plain-list">
    {approvals.map(({ id, agent, repository, refs, asks, state, needed, approvedBy, createdAt }) => (
      <li>
        <span class="push-link">
          <a href={pathOf.approval(id)}>
            <UntrustedText text={agent} /> to <UntrustedText text={repository} />
          </a>{' '}
          {refs.slice(0, 5).map(({ ref }) => (
            <>
              <RefName name={ref} />{' '}
            </>
          ))}
          <span class="muted">
            {state}, {approvedBy.length} of {plural(needed, 'approval')}, <RelativeTime iso={createdAt} />
          </span>
        </span>
        <p class="muted small">
          <UntrustedText text={asks.join('; ')} />
        </p>
      </li>
    ))}
  </ul>
)
