import type { Context } from 'hono'
import { z } from 'zod'
import { plural } from '../../../contract/text/plural.ts'
import { listDeclined } from '../../../ledger/findings/declines.ts'
import { listExceptions } from '../../../ledger/findings/exceptions.ts'
import {
  countPending,
  listPending,
  PENDING_DAYS,
  PendingOrder,
} from '../../../ledger/findings/pending-findings.ts'
import { listedRepository } from '../../auth/authorize.tsx'
import type { ConsoleEnv } from '../../auth/env.ts'
import { isActive } from '../../components/is-active.ts'
import { PAGE_SIZE as DECLINES_PAGE_SIZE, Declines, Exceptions } from '../../findings/decisions.tsx'
import { type FailedSelection, PendingTable } from '../../findings/pending-table.tsx'
import type { ApiProblem } from '../../forms/call-api.ts'
import { pathOf } from '../../paths.ts'
import { EmptyState, ErrorMessage, renderPage } from '../frame/layout.tsx'

/** The order, and the position in both lists; an invalid value is the first. */
const PageQuery = z.object({
  order: PendingOrder.catch('push'),
  after: z.string().max(3_000).optional().catch(undefined),
  declined: z.coerce.number().int().nonnegative().max(999_999_999).catch(0),
})
export const toPageQuery = (parameters: Record<string, string>) => PageQuery.parse(parameters)

/** `GET /pending`: the findings that need a decision, and the decisions in effect. */
export const showPending = (c: Context<ConsoleEnv>) => pendingPage(c, toPageQuery(c.req.query()))

interface PageState extends z.infer<typeof PageQuery> {
  readonly failedSelection?: FailedSelection
  /** Any other rejected request. */
  readonly problem?: ApiProblem
}

export async function pendingPage(
  c: Context<ConsoleEnv>,
  { order, after, declined: from, failedSelection, problem }: PageState,
): Promise<Response> {
  const ledger = c.env.LEDGER
  const repository = listedRepository(c)
  const [{ waiting: findings, next }, total, exceptions, declined] = await Promise.all([
    listPending(ledger, after, { order, repository }),
    countPending(ledger, repository),
    listExceptions(ledger, repository),
    listDeclined(ledger, { repository, from, limit: DECLINES_PAGE_SIZE + 1 }),
  ])
  return renderPage(c, {
    title: 'Pending findings',
    section: 'Pending findings',
    status: problem || failedSelection ? 409 : 200,
    children: (
      <>
        <PendingHeader total={total} order={order} after={after} repository={repository} />
        <ErrorMessage problem={problem} />
        {findings.length === 0 ? (
          <>
            <ErrorMessage problem={failedSelection?.problem} />
            <NoFindings total={total} />
          </>
        ) : (
          <PendingTable
            c={c}
            findings={findings}
            order={order}
            returnTo={pageFrom(order, after, repository)}
            failedAttempt={failedSelection}
          />
        )}
        {next !== null && (
          <p class="pagination">
            <a href={pageFrom(order, next, repository)}>Next findings</a>
          </p>
        )}
        <Exceptions c={c} active={exceptions.filter(isActive)} />
        {(declined.length > 0 || from > 0) && <Declines c={c} declined={declined} from={from} />}
      </>
    ),
  })
}

function pageFrom(order: PendingOrder, after: string | undefined, repository: string | undefined): string {
  const query = new URLSearchParams({
    ...(order === 'push' ? {} : { order }),
    ...(repository === undefined ? {} : { repository }),
    ...(after === undefined ? {} : { after }),
  })
  return query.size > 0 ? `${pathOf.pending}?${query}` : pathOf.pending
}

const PendingHeader = ({
  total,
  order,
  after,
  repository,
}: {
  total: number
  order: PendingOrder
  after: string | undefined
  repository: string | undefined
}) => (
  <div class="page-header">
    <h1>Pending findings</h1>
    <p>
      {total === 0 ? 'none' : plural(total, 'finding')} in the last {PENDING_DAYS} days.{' '}
      <a href={pathOf.approvals}>Pushes that wait for an approval</a>
      {after !== undefined && (
        <>
          . <a href={pageFrom(order, undefined, repository)}>Back to the first page</a>
        </>
      )}
    </p>
    {total > 0 && (
      <nav class="ranges" aria-label="Groups">
        {PendingOrder.options.map(option => (
          <a
            href={pageFrom(option, undefined, repository)}
            {...(option === order ? { 'aria-current': 'true' } : {})}
          >
            By {option === 'path' ? 'file' : option}
          </a>
        ))}
      </nav>
    )}
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
