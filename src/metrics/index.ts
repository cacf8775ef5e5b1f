import { Hono } from 'hono'
import { authenticate } from '../api/authenticate.ts'
import { answerProblem } from '../api/problem.ts'
import type { ApiEnv } from '../api/room.ts'
import { everyStatus } from '../companion/status.ts'
import { readTotals, type Totals } from '../ledger/totals.ts'
import { companionMetrics } from './companions.ts'
import { metric } from './exposition.ts'

/**
 * `GET /-/metrics`, for Prometheus, with an admin token. The numbers are the ledger's, and those of companions that
 * run: a Worker's isolates come and go, and what one of them counted would be lost with it.
 */
export const metrics = new Hono<ApiEnv>()
metrics.onError(answerProblem)
metrics.get('/', authenticate, async c => {
  const [totals, companions] = await Promise.all([readTotals(c.env.LEDGER), everyStatus(c.env)])
  return c.body(ledgerMetrics(totals) + companionMetrics(companions), 200, {
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    'cache-control': 'no-store',
  })
})

/** What the ledger has. */
function ledgerMetrics(totals: Totals): string {
  const settled = totals.outcomes.filter(each => each.label !== 'open')
  const open = totals.outcomes.find(each => each.label === 'open')?.count ?? 0
  const seconds = (ms: number) => ms / 1000
  return [
    metric(
      'gate_pushes_total',
      'counter',
      'Push attempts by outcome',
      settled.map(({ label, count }) => [{ outcome: label }, count]),
    ),
    metric(
      'gate_push_seconds_total',
      'counter',
      'Time that pushes took, by outcome',
      settled.map(({ label, ms }) => [{ outcome: label }, seconds(ms)]),
    ),
    metric('gate_pushes_open', 'gauge', 'Push attempts that go on', [[{}, open]]),
    metric(
      'gate_steps_total',
      'counter',
      'Steps of pushes',
      totals.steps.map(({ label, count }) => [{ step: label }, count]),
    ),
    metric(
      'gate_step_seconds_total',
      'counter',
      'Time that steps of pushes took',
      totals.steps.map(({ label, ms }) => [{ step: label }, seconds(ms)]),
    ),
    metric(
      'gate_findings_total',
      'counter',
      'Secrets found, by rule',
      totals.findings.map(({ label, value }) => [{ rule: label }, value]),
    ),
    metric(
      'gate_fetches_total',
      'counter',
      'Fetches',
      totals.fetches.map(({ value }) => [{}, value]),
    ),
    metric(
      'gate_authentication_failures_total',
      'counter',
      'Requests with credentials that do not hold',
      totals.failures.map(({ value }) => [{}, value]),
    ),
    metric(
      'gate_webhook_deliveries_waiting',
      'gauge',
      'What webhooks are still to be told',
      totals.deliveries.map(({ value }) => [{}, value]),
    ),
  ].join('')
}
