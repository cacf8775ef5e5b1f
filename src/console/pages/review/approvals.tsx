import type { Context } from 'hono'
import type { Approval } from '../../../contract/admin-api/approvals.ts'
import { plural } from '../../../contract/text/plural.ts'
import { countWaiting, listApprovals } from '../../../ledger/approvals/approvals.ts'
import { listedRepository } from '../../auth/authorize.tsx'
import type { ConsoleEnv } from '../../auth/env.ts'
import { RelativeTime } from '../../components/relative-time.tsx'
import { RefName, UntrustedText } from '../../components/untrusted-text.tsx'
import { pathOf } from '../../paths.ts'
import { EmptyState, renderPage } from '../frame/layout.tsx'

/** The filters that a link from page to page keeps. */
interface Filters {
  readonly repository: string | undefined
  readonly agent: string | undefined
}

/** A page of one of the lists. */
interface Listed {
  readonly approvals: readonly Approval[]
  readonly next: string | null
  /** The cursor of this page; undefined: it is the first. */
  readonly cursor: string | undefined
}

/**
 * `GET /approvals`: the pushes that wait for an approval, then those that were decided, newest first; with the cursor
 * `waiting` or `decided`, older ones of that list.
 */
export async function showApprovals(c: Context<ConsoleEnv>): Promise<Response> {
  const ledger = c.env.LEDGER
  const filters = { repository: listedRepository(c), agent: c.req.query('agent') || undefined }
  const { waiting: waitingCursor, decided: decidedCursor } = c.req.query()
  const [total, waiting, decided] = await Promise.all([
    countWaiting(ledger, filters),
    listApprovals(ledger, { ...filters, state: 'waiting', cursor: waitingCursor }),
    listApprovals(ledger, { ...filters, except: 'waiting', cursor: decidedCursor }),
  ])
  return renderPage(c, {
    title: 'Approvals',
    section: 'Pending findings',
    children: (
      <>
        <ApprovalsHeader total={total} agent={filters.agent} />
        <Waiting {...waiting} cursor={waitingCursor} filters={filters} />
        {(decided.approvals.length > 0 || decidedCursor !== undefined) && (
          <section aria-labelledby="decided">
            <h2 id="decided">Decided</h2>
            <ApprovalList approvals={decided.approvals} />
            <Pages {...decided} cursor={decidedCursor} filters={filters} list="decided" />
          </section>
        )}
      </>
    ),
  })
}

const ApprovalsHeader = ({ total, agent }: { total: number; agent: string | undefined }) => (
  <div class="page-header">
    <h1>Pushes that wait for an approval</h1>
    <p>
      {total === 0 ? 'none waits' : total === 1 ? '1 push waits' : `${total} pushes wait`}
      {agent !== undefined && (
        <>
          {' '}
          of <UntrustedText text={agent} /> (<a href={pathOf.approvals}>of all agents</a>)
        </>
      )}
      . <a href={pathOf.pending}>Pending findings</a>
    </p>
  </div>
)

const Waiting = ({ filters, ...listed }: Listed & { filters: Filters }) => (
  <>
    {listed.approvals.length === 0 && listed.cursor === undefined && (
      <EmptyState title="No push waits for an approval.">
        <p>
          A grant's ask rules say which pushes wait: <code>git gate grant set AGENT REPOSITORY --ask</code>,
          or the grant's page.
        </p>
      </EmptyState>
    )}
    <ApprovalList approvals={listed.approvals} />
    <Pages {...listed} filters={filters} list="waiting" />
  </>
)

/** The links to the other pages of a list. */
const Pages = ({
  approvals,
  next,
  cursor,
  filters,
  list,
}: Listed & { filters: Filters; list: 'waiting' | 'decided' }) => {
  const pathWith = (of: string | undefined) => {
    const entries = Object.entries({ ...filters, [list]: of })
    const parameters = entries.filter((entry): entry is [string, string] => entry[1] !== undefined)
    const query = parameters.length > 0 ? `?${new URLSearchParams(parameters)}` : ''
    return `${pathOf.approvals}${query}${list === 'decided' ? '#decided' : ''}`
  }
  if (next === null && cursor === undefined) return null
  return (
    <p class="pagination">
      {approvals.length === 0 && `There are no older ${list} pushes. `}
      {cursor !== undefined && <a href={pathWith(undefined)}>Newest {list} pushes</a>}{' '}
      {next !== null && <a href={pathWith(next)}>Older {list} pushes</a>}
    </p>
  )
}

/** A list names at most this many refs of a push. */
const MAX_REFS = 5

const ApprovalList = ({ approvals }: { approvals: readonly Approval[] }) => (
  <ul class="plain-list approvals">
    {approvals.map(({ id, agent, repository, refs, asks, state, needed, approvedBy, createdAt }) => (
      <li>
        <span class="push-link">
          <a href={pathOf.approval(id)}>
            <UntrustedText text={agent} /> to <UntrustedText text={repository} />
          </a>{' '}
          {refs.slice(0, MAX_REFS).map(({ ref }) => (
            <>
              <RefName name={ref} />{' '}
            </>
          ))}
          {refs.length > MAX_REFS && `and ${plural(refs.length - MAX_REFS, 'more ref')} `}
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
