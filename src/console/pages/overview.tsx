import type { Context } from 'hono'
import { DISCONNECT_MESSAGES, DisconnectReason, type Outcome } from '../../contract/outcome.ts'
import { formatBytes } from '../../contract/text/format-bytes.ts'
import { plural } from '../../contract/text/plural.ts'
import {
  type AgentOverview,
  busiestAgents,
  type DisconnectsOfSlot,
  disconnectsOverTime,
  MAX_SAMPLED_PUSHES,
  type OutcomesOfSlot,
  outcomesOverTime,
  type ScannedOfSlot,
  type Slots,
  type StepOverview,
  scannedOverTime,
  stepTimes,
} from '../../ledger/pushes/overview.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { ColumnChart } from '../charts/column-chart.tsx'
import { StepChart } from '../charts/step-chart.tsx'
import { UntrustedText } from '../components/untrusted-text.tsx'
import { pathOf } from '../paths.ts'
import { EmptyState, renderPage } from './frame/layout.tsx'

const HOUR_MS = 3_600_000
const RANGES = {
  day: { label: '24 hours', slotMs: HOUR_MS, slots: 24 },
  week: { label: '7 days', slotMs: 6 * HOUR_MS, slots: 28 },
  month: { label: '30 days', slotMs: 24 * HOUR_MS, slots: 30 },
} as const
type Range = keyof typeof RANGES

const isRange = (text: string | undefined): text is Range => text !== undefined && Object.hasOwn(RANGES, text)

/** `GET /overview`: charts of the pushes in a time range. */
export async function showOverview(c: Context<ConsoleEnv>): Promise<Response> {
  const parameter = c.req.query('range')
  const range = isRange(parameter) ? parameter : 'week'
  const { slotMs, slots } = RANGES[range]
  // Slots end on whole multiples of their length, so that a reload draws the same slots.
  const from = (Math.floor(Date.now() / slotMs) + 1 - slots) * slotMs
  const time = { from, slotMs, slots }
  // The list of pushes filters by whole days.
  const since = new Date(from).toISOString().slice(0, 10)
  const ledger = c.env.LEDGER
  const [outcomes, disconnects, scans, steps, agents] = await Promise.all([
    outcomesOverTime(ledger, time),
    disconnectsOverTime(ledger, time),
    scannedOverTime(ledger, time),
    stepTimes(ledger, from),
    busiestAgents(ledger, from),
  ])
  const total = sumOf(outcomes, ({ pushes }) => pushes)
  return renderPage(c, {
    title: 'Overview',
    section: 'Overview',
    children: (
      <>
        <OverviewHeader range={range} total={total} />
        {total === 0 ? (
          <EmptyState title="No push in this time range.">
            <p>
              Choose a longer range, or see <a href={pathOf.pushes}>all pushes</a>.
            </p>
          </EmptyState>
        ) : (
          <>
            <Totals outcomes={outcomes} since={since} />
            <OutcomesSection time={time} outcomes={outcomes} />
            <EndedEarlySection time={time} disconnects={disconnects} />
            <ScanSection time={time} scans={scans} />
            <StepsSection steps={steps} total={total} />
            <AgentsSection agents={agents} since={since} />
          </>
        )}
      </>
    ),
  })
}

const OverviewHeader = ({ range, total }: { range: Range; total: number }) => (
  <div class="page-header">
    <h1>Overview</h1>
    <p>
      {plural(total, 'push', 'pushes')} in {RANGES[range].label}
    </p>
    <nav class="ranges" aria-label="Time range">
      {Object.entries(RANGES).map(([name, { label }]) => (
        <a href={`${pathOf.overview}?range=${name}`} {...(name === range ? { 'aria-current': 'true' } : {})}>
          {label}
        </a>
      ))}
    </nav>
  </div>
)

/** In the order in which they are stacked, from the bottom. */
const OUTCOME_SERIES = (['accepted', 'refused', 'failed', 'abandoned', 'open'] as const).map(name => ({
  name,
  label: name,
  className: name,
}))

const OUTCOME_DESCRIPTIONS: Readonly<Record<Outcome, string>> = {
  accepted: 'by the upstream',
  refused: 'by a rule, a check or the upstream',
  failed: 'an error in the gate, or no answer from the upstream',
  abandoned: 'the client disconnected or timed out',
  open: 'in progress',
}

const Totals = ({ outcomes, since }: { outcomes: readonly OutcomesOfSlot[]; since: string }) => (
  <dl class="totals">
    {OUTCOME_SERIES.map(({ name }) => {
      const total = sumOf(
        outcomes.filter(({ outcome }) => outcome === name),
        ({ pushes }) => pushes,
      )
      return (
        <div class={name}>
          <dt>{name}</dt>
          <dd>
            <a href={`${pathOf.pushes}?${new URLSearchParams({ outcome: name, from: since })}`}>
              {formatNumber(total)}
            </a>
          </dd>
          <dd class="muted small">{OUTCOME_DESCRIPTIONS[name]}</dd>
        </div>
      )
    })}
  </dl>
)

const OutcomesSection = ({ time, outcomes }: { time: Slots; outcomes: readonly OutcomesOfSlot[] }) => (
  <section aria-labelledby="outcomes">
    <h2 id="outcomes">Pushes by outcome</h2>
    <ColumnChart
      time={time}
      series={OUTCOME_SERIES}
      values={outcomes.map(({ slot, outcome, pushes }) => ({ slot, name: outcome, value: pushes }))}
      label="Pushes by outcome over time"
      format={formatNumber}
    />
  </section>
)

const DISCONNECT_SERIES = DisconnectReason.options.map(name => ({
  name,
  label: DISCONNECT_MESSAGES[name],
  className: name,
}))

const EndedEarlySection = ({
  time,
  disconnects,
}: {
  time: Slots
  disconnects: readonly DisconnectsOfSlot[]
}) => (
  <section aria-labelledby="ended-early">
    <h2 id="ended-early">Ended early</h2>
    {disconnects.length === 0 ? (
      <p class="muted">No push lost its client or timed out in this time range.</p>
    ) : (
      <>
        <p class="muted">
          {plural(
            sumOf(disconnects, ({ pushes }) => pushes),
            'push',
            'pushes',
          )}{' '}
          lost the client or timed out.
        </p>
        <ColumnChart
          time={time}
          series={DISCONNECT_SERIES}
          values={disconnects.map(({ slot, disconnect_reason, pushes }) => ({
            slot,
            name: disconnect_reason,
            value: pushes,
          }))}
          label="Pushes that lost the client or timed out, over time"
          format={formatNumber}
        />
      </>
    )}
  </section>
)

const ScanSection = ({ time, scans }: { time: Slots; scans: readonly ScannedOfSlot[] }) => (
  <section aria-labelledby="scanned">
    <h2 id="scanned">Scan volume</h2>
    {scans.length === 0 ? (
      <p class="muted">No push was scanned in this time range.</p>
    ) : (
      <>
        <p class="muted">
          gitleaks scanned {formatBytes(sumOf(scans, ({ bytes }) => bytes))} of{' '}
          {plural(
            sumOf(scans, ({ pushes }) => pushes),
            'push',
            'pushes',
          )}
          .
        </p>
        <ColumnChart
          time={time}
          series={[{ name: 'scanned', label: 'scanned', className: 'open' }]}
          values={scans.map(({ slot, bytes }) => ({ slot, name: 'scanned', value: bytes }))}
          label="Bytes scanned by gitleaks over time"
          format={formatBytes}
          unit={max => 1024 ** Math.floor(Math.log2(max) / 10)}
        />
      </>
    )}
  </section>
)

const StepsSection = ({ steps, total }: { steps: readonly StepOverview[]; total: number }) => (
  <section aria-labelledby="step-times">
    <h2 id="step-times">Time per step</h2>
    {total > MAX_SAMPLED_PUSHES && (
      <p class="muted">From the newest {plural(MAX_SAMPLED_PUSHES, 'push', 'pushes')}.</p>
    )}
    <StepChart steps={steps} />
  </section>
)

const AgentsSection = ({ agents, since }: { agents: readonly AgentOverview[]; since: string }) => (
  <section aria-labelledby="busiest">
    <h2 id="busiest">Most active agents</h2>
    <table>
      <thead>
        <tr>
          <th scope="col">Agent</th>
          {['Pushes', 'Accepted', 'Refused', 'Other'].map(label => (
            <th scope="col" class="number">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {agents.map(({ agent, pushes, accepted, refused, other }) => (
          <tr>
            <th scope="row">
              <a href={`${pathOf.pushes}?${new URLSearchParams({ agent, from: since })}`}>
                <UntrustedText text={agent} />
              </a>
            </th>
            {[pushes, accepted, refused, other].map(count => (
              <td class="number">{count}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
)

const formatNumber = (value: number) => value.toLocaleString('en')

const sumOf = <Item,>(items: readonly Item[], value: (item: Item) => number) =>
  items.reduce((sum, item) => sum + value(item), 0)
