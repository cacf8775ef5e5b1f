import type { Context } from 'hono'
import { inBytes } from '../../contract/format-bytes.ts'
import { LET_GO, type Outcome, Reaped } from '../../contract/outcome.ts'
import {
  busiestAgents,
  type OutcomesOfSlot,
  outcomesOverTime,
  reapedOverTime,
  SAMPLE,
  scannedOverTime,
  stepTimes,
} from '../../ledger/pushes/overview.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { ColumnChart, StepChart } from '../components/charts.tsx'
import { counted } from '../components/plural.ts'
import { Given } from '../components/untrusted-text.tsx'
import { pathOf } from '../paths.ts'
import { Nothing, page } from './layout.tsx'

const HOUR = 3_600_000
/** What can be looked back on, in how many slots of which length (milliseconds). */
const RANGES = {
  day: { words: '24 hours', slotMs: HOUR, slots: 24 },
  week: { words: '7 days', slotMs: 6 * HOUR, slots: 28 },
  month: { words: '30 days', slotMs: 24 * HOUR, slots: 30 },
} as const
type Range = keyof typeof RANGES

const isRange = (text: string | undefined): text is Range => text !== undefined && Object.hasOwn(RANGES, text)

/** `GET /overview`: how pushes went over time, and what their time went into. */
export async function showOverview(c: Context<ConsoleEnv>): Promise<Response> {
  const asked = c.req.query('range')
  const range = isRange(asked) ? asked : 'week'
  const { words, slotMs, slots } = RANGES[range]
  // Slots end on whole multiples of their length, so a slot is the same one at the next look.
  const from = (Math.floor(Date.now() / slotMs) + 1 - slots) * slotMs
  const time = { from, slotMs, slots }
  // The list of pushes is filtered by whole days.
  const since = new Date(from).toISOString().slice(0, 10)
  const ledger = c.env.LEDGER
  const [outcomes, reaped, scanned, steps, agents] = await Promise.all([
    outcomesOverTime(ledger, time),
    reapedOverTime(ledger, time),
    scannedOverTime(ledger, time),
    stepTimes(ledger, from),
    busiestAgents(ledger, from),
  ])
  const total = sumOf(outcomes, each => each.pushes)
  return page(c, {
    title: 'Overview',
    room: 'Overview',
    children: (
      <>
        <div class="head">
          <h1>Overview</h1>
          <p>
            {counted(total, 'push', 'pushes')} in {words}
          </p>
          <nav class="ranges" aria-label="How far back">
            {Object.entries(RANGES).map(([name, each]) => (
              <a
                href={`${pathOf.overview}?range=${name}`}
                {...(name === range ? { 'aria-current': 'true' } : {})}
              >
                {each.words}
              </a>
            ))}
          </nav>
        </div>
        {total === 0 ? (
          <Nothing title="Nothing was pushed in this time.">
            <p>
              Look further back, or see <a href={pathOf.pushes}>all pushes</a>.
            </p>
          </Nothing>
        ) : (
          <>
            <Totals outcomes={outcomes} since={since} />
            <section aria-labelledby="over-time">
              <h2 id="over-time">Pushes by outcome</h2>
              <ColumnChart
                time={time}
                series={OUTCOMES}
                values={outcomes.map(({ slot, outcome, pushes }) => ({ slot, name: outcome, value: pushes }))}
                label="Pushes by outcome over time"
                tell={number}
              />
            </section>
            <section aria-labelledby="let-go">
              <h2 id="let-go">Sessions let go</h2>
              {reaped.length === 0 ? (
                <p class="quiet">No push was let go before its end in this time.</p>
              ) : (
                <>
                  <p class="quiet">
                    {counted(
                      sumOf(reaped, each => each.pushes),
                      'push was ended before it finished',
                      'pushes were ended before they finished',
                    )}
                    .
                  </p>
                  <ColumnChart
                    time={time}
                    series={REASONS}
                    values={reaped.map(({ slot, reaped: name, pushes }) => ({ slot, name, value: pushes }))}
                    label="Sessions of pushes that were let go, over time"
                    tell={number}
                  />
                </>
              )}
            </section>
            <section aria-labelledby="scanned">
              <h2 id="scanned">Scan volume</h2>
              {scanned.length === 0 ? (
                <p class="quiet">Nothing was scanned in this time.</p>
              ) : (
                <>
                  <p class="quiet">
                    gitleaks read {inBytes(sumOf(scanned, each => each.bytes))} from{' '}
                    {counted(
                      sumOf(scanned, each => each.pushes),
                      'push',
                      'pushes',
                    )}
                    .
                  </p>
                  <ColumnChart
                    time={time}
                    series={[{ name: 'scanned', words: 'scanned', tone: 'open' }]}
                    values={scanned.map(({ slot, bytes }) => ({ slot, name: 'scanned', value: bytes }))}
                    label="What gitleaks was given to read, over time"
                    tell={inBytes}
                    unit={most => 1024 ** Math.floor(Math.log2(most) / 10)}
                  />
                </>
              )}
            </section>
            <section aria-labelledby="step-times">
              <h2 id="step-times">Time per step</h2>
              {total > SAMPLE && <p class="quiet">Of the newest {counted(SAMPLE, 'push', 'pushes')}.</p>}
              <StepChart steps={steps} />
            </section>
            <section aria-labelledby="busiest">
              <h2 id="busiest">Who pushed most</h2>
              <table>
                <thead>
                  <tr>
                    <th scope="col">Agent</th>
                    <th scope="col" class="number">
                      Pushes
                    </th>
                    <th scope="col" class="number">
                      Accepted
                    </th>
                    <th scope="col" class="number">
                      Refused
                    </th>
                    <th scope="col" class="number">
                      Other
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {agents.map(each => (
                    <tr>
                      <th scope="row">
                        <a
                          href={`${pathOf.pushes}?${new URLSearchParams({ agent: each.agent, from: since })}`}
                        >
                          <Given text={each.agent} />
                        </a>
                      </th>
                      <td class="number">{each.pushes}</td>
                      <td class="number">{each.accepted}</td>
                      <td class="number">{each.refused}</td>
                      <td class="number">{each.other}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          </>
        )}
      </>
    ),
  })
}

const number = (value: number) => value.toLocaleString('en')

const sumOf = <Item,>(items: readonly Item[], value: (item: Item) => number) =>
  items.reduce((sum, item) => sum + value(item), 0)

/** As they are stacked, from the ground up. */
const OUTCOMES = (['accepted', 'refused', 'failed', 'abandoned', 'open'] as const).map(name => ({
  name,
  words: name,
  tone: name,
}))

const REASONS = Reaped.options.map(name => ({ name, words: LET_GO[name], tone: name }))

const MEANING: Readonly<Record<Outcome, string>> = {
  accepted: 'taken by the upstream',
  refused: 'by a rule, a check or the upstream',
  failed: 'on the gate’s side',
  abandoned: 'the client left or stalled',
  open: 'in progress',
}

const Totals = ({ outcomes, since }: { outcomes: readonly OutcomesOfSlot[]; since: string }) => (
  <dl class="totals">
    {OUTCOMES.map(({ name: outcome }) => {
      const sum = sumOf(
        outcomes.filter(each => each.outcome === outcome),
        each => each.pushes,
      )
      return (
        <div class={outcome}>
          <dt>{outcome}</dt>
          <dd>
            <a href={`${pathOf.pushes}?${new URLSearchParams({ outcome, from: since })}`}>{number(sum)}</a>
          </dd>
          <dd class="quiet small">{MEANING[outcome]}</dd>
        </div>
      )
    })}
  </dl>
)
