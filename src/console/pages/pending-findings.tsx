import type { Context } from 'hono'
import { z } from 'zod'
import { listDeclined } from '../../ledger/findings/declines.ts'
import { listExceptions } from '../../ledger/findings/exceptions.ts'
import {
  countPending,
  listPending,
  PENDING_DAYS,
  type PendingFinding,
} from '../../ledger/findings/pending-findings.ts'
import { listedRepository } from '../auth/authorize.tsx'
import type { ConsoleEnv } from '../auth/env.ts'
import { Declines, Exceptions } from '../components/decisions.tsx'
import { type FailedDecision, FindingCard, failureFor } from '../components/finding-card.tsx'
import { isActive } from '../components/is-active.ts'
import { plural } from '../components/plural.ts'
import { RelativeTime } from '../components/relative-time.tsx'
import { UntrustedText } from '../components/untrusted-text.tsx'
import type { ApiProblem } from '../forms/call-api.ts'
import { pathOf } from '../paths.ts'
import { EmptyState, ErrorMessage, renderPage } from './layout.tsx'

/** The position in both lists; an invalid position is the beginning. */
const PageQuery = z.object({
  after: z.string().max(300).optional().catch(undefined),
  declined: z.coerce.number().int().nonnegative().catch(0),
})

/** `GET /pending`: the findings that need a decision, and the decisions in effect. */
export const showPending = (c: Context<ConsoleEnv>) => pendingPage(c, PageQuery.parse(c.req.query()))

interface PageState {
  /** The position after which the list of findings begins. */
  readonly after?: string | undefined
  /** The index of the first declined finding shown. */
  readonly declined?: number
  /** A decision that the API rejected. */
  readonly failedAttempt?: FailedDecision
  /** Any other rejected request. */
  readonly problem?: ApiProblem
}

export async function pendingPage(
  c: Context<ConsoleEnv>,
  { after, declined: from = 0, failedAttempt, problem = failedAttempt?.problem }: PageState,
): Promise<Response> {
  const ledger = c.env.LEDGER
  const repository = listedRepository(c)
  const [{ waiting: findings, next }, total, exceptions, declined] = await Promise.all([
    listPending(ledger, after, repository),
    countPending(ledger, repository),
    listExceptions(ledger, repository),
    listDeclined(ledger, repository),
  ])
  const cardHasProblem = findings.some(({ repository, finding }) =>
    failureFor(failedAttempt, repository, finding),
  )
  return renderPage(c, {
    title: 'Pending findings',
    section: 'Pending findings',
    status: problem ? 409 : 200,
    children: (
      <>
        <PendingHeader total={total} after={after} />
        <ErrorMessage problem={cardHasProblem ? undefined : problem} />
        {findings.length === 0 && <NoFindings total={total} />}
        {findings.length > 0 && (
          <ul class="cards">
            {findings.map(pending => (
              <li>
                <PushLink pending={pending} />
                <FindingCard
                  c={c}
                  finding={pending.finding}
                  repository={pending.repository}
                  push={pending.push}
                  level={2}
                  returnTo={pageFrom(after, repository)}
                  decision="pending"
                  failedAttempt={failureFor(failedAttempt, pending.repository, pending.finding)}
                />
              </li>
            ))}
          </ul>
        )}
        {next !== null && (
          <p class="pagination">
            <a href={pageFrom(next, repository)}>Next findings</a>
          </p>
        )}
        <Exceptions c={c} active={exceptions.filter(isActive)} />
        {declined.length > 0 && <Declines c={c} declined={declined} from={from} />}
      </>
    ),
  })
}

function pageFrom(after: string | undefined, repository: string | undefined): string {
  const query = new URLSearchParams({
    ...(repository === undefined ? {} : { repository }),
    ...(after === undefined ? {} : { after }),
  })
  return query.size > 0 ? `${pathOf.pending}?${query}` : pathOf.pending
}

const PendingHeader = ({ total, after }: { total: number; after: string | undefined }) => (
  <div class="page-header">
    <h1>Pending findings</h1>
    <p>
      {total === 0 ? 'none' : plural(total, 'finding')} in the last {PENDING_DAYS} days.{' '}
      <a href={pathOf.approvals}>Pushes that wait for an approval</a>
      {after !== undefined && (
        <>
          . <a href={pathOf.pending}>Back to the first page</a>
        </>
      )}
    </p>
  </div>
)

const NoFindings = ({ total }: { total: number }) =>
  total > 0 ? (
    <EmptyState title="There are no more findings on this page.">
      <p>
        <a href={pathOf.pending}>Back to the first page</a>
      </p>
    </EmptyState>
  ) : (
    <EmptyState title="No finding needs a decision.">
      <p>
        When the gate refuses a push because of a possible secret, the finding appears here. You can allow or
        decline it. <a href={`${pathOf.pushes}?outcome=refused`}>See the refused pushes</a>.
      </p>
    </EmptyState>
  )

const PushLink = ({ pending }: { pending: PendingFinding }) => (
  <p class="push-link">
    <a href={pathOf.push(pending.push)}>
      <UntrustedText text={pending.agent} /> to <UntrustedText text={pending.repository} />
    </a>{' '}
    <UntrustedText text={pending.refs.map(ref => ref.replace(/^refs\/heads\//, '')).join(', ')} mono />
    <span class="muted">
      {' '}
      refused {pending.pushes > 1 ? `${pending.pushes} times, last ` : ''}
      <RelativeTime iso={pending.lastAt} />
    </span>
  </p>
)
