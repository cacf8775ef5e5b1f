import { Hono } from 'hono'
import { authenticate } from '../api/authenticate.ts'
import { requireRole } from '../api/authorize.ts'
import { handleProblem } from '../api/problem.ts'
import type { ApiEnv } from '../api/router.ts'
import { allStatuses } from '../companion/status.ts'
import { countPending } from '../ledger/findings/pending-findings.ts'
import { BUCKETS_MS, type Durations, readDurations } from '../ledger/pushes/durations.ts'
import { type Kind, readTotals, type Totals } from '../ledger/pushes/totals.ts'
import { companionMetrics } from './companions.ts'
import { histogram, metric, type Sample } from './exposition.ts'

/**
 * `GET /-/metrics` in Prometheus' text format, for a viewer of the whole gate. The numbers come from the ledger and from the
 * companions that run. The Worker keeps no counters: its isolates come and go, and would lose them.
 */
export const metrics = new Hono<ApiEnv>()
metrics.onError(handleProblem)
metrics.get(
  '/',
  authenticate,
  requireRole('viewer', () => 'gate'),
  async c => {
    const [totals, durations, waiting, companions] = await Promise.all([
      readTotals(c.env.LEDGER),
      readDurations(c.env.LEDGER),
      countPending(c.env.LEDGER),
      allStatuses(c.env),
    ])
    const text = [
      ledgerMetrics(totals),
      durationMetrics(durations),
      metric('gate_findings_pending', 'gauge', 'Findings that wait for a decision', [[{}, waiting]]),
      companionMetrics(companions),
    ]
    return c.body(text.join(''), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    })
  },
)

const durationMetrics = (durations: readonly Durations[]) =>
  histogram(
    'gate_push_step_seconds',
    'Durations of the steps of pushes, and of whole pushes (step "push")',
    BUCKETS_MS.map(ms => ms / 1000),
    durations.map(({ repository, outcome, step, buckets, ms, count }) => ({
      labels: { repository, outcome, step },
      buckets,
      sum: ms / 1000,
      count,
    })),
  )

/** Metrics of all pushes, fetches and failed authentications since the ledger was created. */
function ledgerMetrics(totals: Totals): string {
  const counts = (kind: Kind, labelName: string) =>
    totals.of(kind).map(({ label, count }): Sample => [{ [labelName]: label }, count])
  const seconds = (kind: Kind, labelName: string) =>
    totals.of(kind).map(({ label, ms }): Sample => [{ [labelName]: label }, ms / 1000])
  const sum = (kind: Kind) => totals.of(kind).map(({ count }): Sample => [{}, count])
  const transfers = (unit: 'count' | 'bytes') =>
    totals.of('transfer').map((each): Sample => {
      const [operation = '', outcome = ''] = each.label.split(' ')
      return [{ operation, outcome }, each[unit]]
    })
  return [
    metric('gate_pushes_total', 'counter', 'Push attempts by outcome', counts('outcome', 'outcome')),
    metric(
      'gate_push_seconds_total',
      'counter',
      'Total duration of pushes by outcome',
      seconds('outcome', 'outcome'),
    ),
    metric('gate_pushes_open', 'gauge', 'Push attempts in progress', [[{}, totals.open]]),
    metric('gate_steps_total', 'counter', 'Steps of pushes', counts('step', 'step')),
    metric(
      'gate_step_seconds_total',
      'counter',
      'Total duration of the steps of pushes',
      seconds('step', 'step'),
    ),
    metric('gate_findings_total', 'counter', 'Secrets found, by rule', counts('finding', 'rule')),
    metric('gate_fetches_total', 'counter', 'Fetches', sum('fetch')),
    metric(
      'gate_lfs_transfers_total',
      'counter',
      'LFS objects, by operation and outcome',
      transfers('count'),
    ),
    metric(
      'gate_lfs_transfer_bytes_total',
      'counter',
      'Size of LFS objects, by operation and outcome',
      transfers('bytes'),
    ),
    metric(
      'gate_host_calls_total',
      'counter',
      "Agents' calls to hosts' APIs, by outcome",
      counts('host-call', 'outcome'),
    ),
    metric('gate_authentication_failures_total', 'counter', 'Failed authentications', sum('auth-failure')),
    metric('gate_webhook_deliveries_pending', 'gauge', 'Webhook deliveries not yet sent', [
      [{}, totals.deliveries],
    ]),
  ].join('')
}
