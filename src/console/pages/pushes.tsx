import type { Context } from 'hono'
import { z } from 'zod'
import { Outcome } from '../../contract/outcome.ts'
import { listAgents } from '../../ledger/access/agents.ts'
import { listRepositories } from '../../ledger/access/repositories.ts'
import { listPushRows } from '../../ledger/pushes/push-summaries.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { PushLine } from '../components/push-row.tsx'
import { pathOf } from '../paths.ts'
import { Nothing, page } from './layout.tsx'

const PAGE = 50
/** More names than this are typed, not picked. */
const MOST_NAMES = 200

const blank = <T extends z.ZodType>(schema: T) =>
  z
    .literal('')
    .transform(() => undefined)
    .or(schema)
    .optional()
    .catch(undefined)
const Day = z.iso.date()
/** What the list is filtered by; what cannot be read filters nothing. Days are UTC. */
export const Filters = z.object({
  repository: blank(z.string().max(512)),
  agent: blank(z.string().max(64)),
  outcome: blank(Outcome),
  from: blank(Day),
  to: blank(Day),
})
export type Filters = z.infer<typeof Filters>

/** The ledger's query for what is filtered. */
export const queryOf = ({ repository, agent, outcome, from, to }: Filters, limit = PAGE) => ({
  repository,
  agent,
  outcome,
  since: from === undefined ? undefined : `${from}T00:00:00.000Z`,
  until: to === undefined ? undefined : `${to}T23:59:59.999Z`,
  limit,
})

/** `GET /pushes`: the newest pushes, live; with a cursor the ones before it. */
export async function showPushes(c: Context<ConsoleEnv>): Promise<Response> {
  const filters = Filters.parse(c.req.query())
  const cursor = c.req.query('cursor')?.slice(0, 64)
  const ledger = c.env.LEDGER
  const [{ pushes, next }, repositories, agents] = await Promise.all([
    listPushRows(ledger, { ...queryOf(filters), cursor }),
    listRepositories(ledger),
    listAgents(ledger),
  ])
  const filtered = Object.values(filters).some(value => value !== undefined)
  const asked = parameters(filters)
  return page(c, {
    title: 'Pushes',
    room: 'Pushes',
    children: (
      <>
        <div class="head">
          <h1>Pushes</h1>
          {cursor === undefined ? (
            <p class="live" role="status" id="live">
              newest first
            </p>
          ) : (
            <p>
              Older pushes. <a href={`${pathOf.pushes}?${asked}`}>Back to the newest</a>
            </p>
          )}
        </div>
        <FilterForm
          filters={filters}
          repositories={repositories.map(each => each.name)}
          agents={agents.map(each => each.name)}
          filtered={filtered}
        />
        <div id="nothing">
          {filtered || cursor !== undefined ? (
            <Nothing title="No push fits these filters.">
              <p>
                <a href={pathOf.pushes}>Show all pushes</a>
              </p>
            </Nothing>
          ) : (
            <NoPushYet hasAgents={agents.length > 0} hasRepositories={repositories.length > 0} />
          )}
        </div>
        <ol
          id="pushes"
          class="pushes"
          aria-label="Pushes, newest first"
          {...(cursor === undefined ? { 'data-live': `${pathOf.pushes}/live?${asked}` } : {})}
        >
          {pushes.map(push => (
            <PushLine push={push} />
          ))}
        </ol>
        {next !== null && (
          <p class="older">
            <a id="older" href={`${pathOf.pushes}?${parameters(filters, next)}`}>
              Older pushes
            </a>
          </p>
        )}
        <p class="unseen" role="status" id="announce" />
      </>
    ),
  })
}

function parameters(filters: Filters, cursor?: string): URLSearchParams {
  const given = Object.entries({ ...filters, cursor }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return new URLSearchParams(given)
}

const NoPushYet = ({ hasAgents, hasRepositories }: { hasAgents: boolean; hasRepositories: boolean }) => (
  <Nothing title="No agent has pushed yet.">
    {!hasRepositories ? (
      <p>
        Begin with <a href={pathOf.repositories}>a repository</a>.
      </p>
    ) : !hasAgents ? (
      <p>
        Next, make <a href={pathOf.agents}>an agent</a>, say what it may push, and mint it a token.
      </p>
    ) : (
      <p>
        Mint a token for <a href={pathOf.agents}>an agent</a>, and let it push: the push appears here as it
        begins.
      </p>
    )}
  </Nothing>
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
    <Named label="Repository" name="repository" value={filters.repository} names={repositories} />
    <Named label="Agent" name="agent" value={filters.agent} names={agents} />
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

const Named = ({
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
      {names.slice(0, MOST_NAMES).map(each => (
        <option value={each} />
      ))}
    </datalist>
  </label>
)
