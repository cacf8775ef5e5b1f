import type { Context } from 'hono'
import { z } from 'zod'
import { Outcome } from '../../../contract/outcome.ts'
import { escapeInvisible } from '../../../contract/text/invisible-characters.ts'
import { findAgent } from '../../../ledger/access/agents.ts'
import { listActivity } from '../../../ledger/pushes/activity.ts'
import { countPushesOfAgent, type DayCount } from '../../../ledger/pushes/agent-day.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { ActivityList } from '../../components/activity.tsx'
import { UntrustedText } from '../../components/untrusted-text.tsx'
import { pathOf } from '../../paths.ts'
import { EmptyState, notFoundPage, renderPage } from '../frame/layout.tsx'
import { AgentRights, AgentWaits } from './agent-now.tsx'

const DAY_MS = 86_400_000
/** The pushes, fetches and calls on a page. */
const PAGE_SIZE = 100

const Day = z.iso.date().optional().catch(undefined)
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)

/**
 * `GET /agents/<name>/day`: what an agent did on a day in UTC, newest first; with `after`, older entries. Without `day` it is
 * today, and the page has the agent's present state too.
 */
export async function showAgentDay(c: Context<ConsoleEnv>): Promise<Response> {
  const ledger = c.env.LEDGER
  const agent = await findAgent(ledger, c.req.param('name') ?? '')
  if (!agent) return notFoundPage(c, 'agent with this name', pathOf.agents, 'Agents')
  const { name } = agent
  const day = Day.parse(c.req.query('day')) ?? dayOf(Date.now())
  const from = Date.parse(day)
  const to = from + DAY_MS
  const isToday = day === dayOf(Date.now())
  const range = { since: new Date(from).toISOString(), until: new Date(to - 1).toISOString() }
  const cursor = c.req.query('after')
  const [counts, { items, next }] = await Promise.all([
    countPushesOfAgent(ledger, name, { from, to }),
    listActivity(ledger, { agent: name, ...range, cursor, limit: PAGE_SIZE }),
  ])
  return renderPage(c, {
    title: escapeInvisible(`${name} on ${day}`),
    section: 'Agents',
    children: (
      <>
        <DayHeader name={name} day={day} />
        {isToday && <AgentWaits ledger={ledger} agent={name} />}
        {counts.length === 0 && items.length === 0 && cursor === undefined ? (
          <EmptyState title="The agent did nothing on this day.">
            <p>
              See <a href={`${pathOf.pushes}?${new URLSearchParams({ agent: name })}`}>all pushes</a> of this
              agent, or <a href={pathOf.agent(name)}>its grants and tokens</a>.
            </p>
          </EmptyState>
        ) : (
          <>
            {counts.length > 0 && (
              <section aria-labelledby="counts">
                <h2 id="counts">Pushes</h2>
                <Counts counts={counts} />
              </section>
            )}
            <section aria-labelledby="latest">
              <h2 id="latest">Activity</h2>
              <ActivityList items={items} />
              <p class="pagination">
                {cursor !== undefined && (
                  <a href={`${pathOf.agentDay(name, day)}#latest`}>Newest activity of this day</a>
                )}{' '}
                {next !== null && (
                  <a href={`${pathOf.agentDay(name, day)}&after=${next}#latest`}>
                    Older activity of this day
                  </a>
                )}
              </p>
            </section>
          </>
        )}
        {isToday && <AgentRights ledger={ledger} agent={name} />}
      </>
    ),
  })
}

const DayHeader = ({ name, day }: { name: string; day: string }) => {
  const today = dayOf(Date.now())
  return (
    <div class="page-header">
      <h1>
        <a href={pathOf.agent(name)}>
          <UntrustedText text={name} />
        </a>{' '}
        {day === today ? 'today' : `on ${day}`}
      </h1>
      <p>the day is in UTC</p>
      <nav class="ranges" aria-label="Day">
        <a href={pathOf.agentDay(name, dayOf(Date.parse(day) - DAY_MS))}>Previous day</a>
        {day < today && <a href={pathOf.agentDay(name, dayOf(Date.parse(day) + DAY_MS))}>Next day</a>}
      </nav>
    </div>
  )
}

const Counts = ({ counts }: { counts: readonly DayCount[] }) => (
  <table class="stacked">
    <caption class="visually-hidden">Pushes by repository and outcome</caption>
    <thead>
      <tr>
        <th scope="col">Repository</th>
        {Outcome.options.map(outcome => (
          <th scope="col" class="number">
            {outcome}
          </th>
        ))}
        <th scope="col" class="number">
          findings
        </th>
      </tr>
    </thead>
    <tbody>
      {[...Map.groupBy(counts, ({ repository }) => repository)].map(([repository, group]) => (
        <tr>
          <th scope="row">
            <a href={pathOf.repository(repository)}>
              <UntrustedText text={repository} />
            </a>
          </th>
          {Outcome.options.map(outcome => (
            <td class="number" data-label={outcome}>
              {group.find(each => each.outcome === outcome)?.pushes ?? 0}
            </td>
          ))}
          <td class="number" data-label="findings">
            {group.reduce((sum, { findings }) => sum + findings, 0)}
          </td>
        </tr>
      ))}
    </tbody>
  </table>
)
