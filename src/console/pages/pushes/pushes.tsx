import type { Context } from 'hono'
import { z } from 'zod'
import { Outcome } from '../../../contract/outcome.ts'
import { hasRole } from '../../../contract/role.ts'
import { listAgents } from '../../../ledger/access/agents.ts'
import { listRepositories } from '../../../ledger/access/repositories.ts'
import { listPushRows } from '../../../ledger/pushes/push-summaries.ts'
import { SEARCHED_PUSHES } from '../../../ledger/pushes/search.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { PushItem } from '../../components/push-row.tsx'
import { pathOf } from '../../paths.ts'
import { EmptyState, renderPage } from '../frame/layout.tsx'

const PAGE_SIZE = 50
/** A filter suggests at most this many names. */
const MAX_SUGGESTIONS = 200

const optional = <T extends z.ZodType>(schema: T) =>
  z
    .literal('')
    .transform(() => undefined)
    .or(schema)
    .optional()
    .catch(undefined)
const Day = z.iso.date()
/** The filters of the list. An invalid value filters nothing. Days are in UTC. */
export const Filters = z.object({
  search: optional(z.string().trim().min(1).max(200)),
  repository: optional(z.string().max(512)),
  agent: optional(z.string().max(64)),
  outcome: optional(Outcome),
  from: optional(Day),
  to: optional(Day),
})
export type Filters = z.infer<typeof Filters>

/** Converts filters to a query of the ledger. */
export const queryOf = ({ search, repository, agent, outcome, from, to }: Filters, limit = PAGE_SIZE) => ({
  search,
  repository,
  agent,
  outcome,
  since: from === undefined ? undefined : `${from}T00:00:00.000Z`,
  until: to === undefined ? undefined : `${to}T23:59:59.999Z`,
  limit,
})

/** `GET /pushes`: the newest pushes, updated live; with a cursor, older pushes. */
export async function showPushes(c: Context<ConsoleEnv>): Promise<Response> {
  const filters = Filters.parse(c.req.query())
  const cursor = c.req.query('cursor')?.slice(0, 64)
  const ledger = c.env.LEDGER
  const { roles } = c.var.operator
  const [{ pushes, next }, repositories, agents] = await Promise.all([
    listPushRows(ledger, { ...queryOf(filters), cursor }),
    listRepositories(ledger),
    listAgents(ledger),
  ])
  const filtered = Object.values(filters).some(value => value !== undefined)
  const filterQuery = filterParameters(filters)
  return renderPage(c, {
    title: 'Pushes',
    section: 'Pushes',
    children: (
      <>
        <PushesHeader newestPath={cursor === undefined ? undefined : `${pathOf.pushes}?${filterQuery}`} />
        <FilterForm
          filters={filters}
          repositories={repositories
            .map(({ name }) => name)
            .filter(repository => hasRole(roles, 'viewer', { repository }))}
          agents={hasRole(roles, 'viewer', 'gate') ? agents.map(({ name }) => name) : []}
          filtered={filtered}
        />
        <div id="empty-state">
          {filtered || cursor !== undefined ? (
            <NoMatches filters={filters} hasOlder={next !== null} />
          ) : (
            <NoPushes hasAgents={agents.length > 0} hasRepositories={repositories.length > 0} />
          )}
        </div>
        <ol
          id="pushes"
          class="pushes"
          aria-label="Pushes, newest first"
          {...(cursor === undefined ? { 'data-live': `${pathOf.pushes}/live?${filterQuery}` } : {})}
        >
          {pushes.map(push => (
            <PushItem push={push} />
          ))}
        </ol>
        {next !== null && (
          <p class="pagination">
            <a id="older" href={`${pathOf.pushes}?${filterParameters(filters, next)}`}>
              Older pushes
            </a>
          </p>
        )}
        <p class="visually-hidden" role="status" id="announce" />
      </>
    ),
  })
}

function filterParameters(filters: Filters, cursor?: string): URLSearchParams {
  const present = Object.entries({ ...filters, cursor }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return new URLSearchParams(present)
}

/** `newestPath` is set on pages of older pushes, and leads back to the first page. */
const PushesHeader = ({ newestPath }: { newestPath: string | undefined }) => (
  <div class="page-header">
    <h1>Pushes</h1>
    {newestPath === undefined ? (
      <p class="live" role="status" id="live">
        newest first
      </p>
    ) : (
      <p>
        Older pushes. <a href={newestPath}>Back to the newest</a>
      </p>
    )}
  </div>
)

const NoMatches = ({ filters, hasOlder }: { filters: Filters; hasOlder: boolean }) => (
  <EmptyState
    title={
      hasOlder
        ? `None of the newest ${SEARCHED_PUSHES.toLocaleString('en')} pushes matches.`
        : 'No push matches these filters.'
    }
  >
    <p>
      {filters.search !== undefined &&
        'A search compares names of agents, repositories and refs, object ids, reasons, and the rules and paths of findings. '}
      <a href={pathOf.pushes}>Show all pushes</a>
    </p>
  </EmptyState>
)

const NoPushes = ({ hasAgents, hasRepositories }: { hasAgents: boolean; hasRepositories: boolean }) => (
  <EmptyState title="There is no push yet.">
    {!hasRepositories ? (
      <p>
        Start with <a href={pathOf.repositories}>a repository</a>.
      </p>
    ) : !hasAgents ? (
      <p>
        Next, add <a href={pathOf.agents}>an agent</a> with a grant and a token.
      </p>
    ) : (
      <p>
        Mint a token for <a href={pathOf.agents}>an agent</a>. Its pushes appear here as soon as they start.
      </p>
    )}
  </EmptyState>
)

const FilterForm = ({
  filters,
  repositories,
  agents,
  filtered,
}: {
  filters: Filters
  repositories: readonly string[]
  agents: readonly string[]
  filtered: boolean
}) => (
  <form class="filters" method="get" action={pathOf.pushes} aria-label="Filter the pushes">
    <label class="search">
      Search
      <input
        type="search"
        id="search"
        name="search"
        value={filters.search ?? ''}
        maxlength={200}
        placeholder="part of a name, sha, path or rule"
        autocomplete="off"
      />
    </label>
    <NameFilter label="Repository" name="repository" value={filters.repository} names={repositories} />
    <NameFilter label="Agent" name="agent" value={filters.agent} names={agents} />
    <label>
      Outcome
      <select name="outcome">
        <option value="">any</option>
        {Outcome.options.map(outcome => (
          <option value={outcome} selected={filters.outcome === outcome}>
            {outcome}
          </option>
        ))}
      </select>
    </label>
    <label>
      From (UTC)
      <input type="date" name="from" value={filters.from ?? ''} />
    </label>
    <label>
      To (UTC)
      <input type="date" name="to" value={filters.to ?? ''} />
    </label>
    <span class="actions">
      <button type="submit">Filter</button>
      {filtered && <a href={pathOf.pushes}>Clear</a>}
    </span>
  </form>
)

const NameFilter = ({
  label,
  name,
  value,
  names,
}: {
  label: string
  name: string
  value: string | undefined
  names: readonly string[]
}) => (
  <label>
    {label}
    <input name={name} value={value ?? ''} list={`${name}-names`} placeholder="any" autocomplete="off" />
    <datalist id={`${name}-names`}>
      {names.slice(0, MAX_SUGGESTIONS).map(suggestion => (
        <option value={suggestion} />
      ))}
    </datalist>
  </label>
)
