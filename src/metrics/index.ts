import { Hono } from 'hono'
import { authenticate } from '../api/authenticate.ts'
import { answerProblem } from '../api/problem.ts'
import type { ApiEnv } from '../api/router.ts'
import { everyStatus } from '../companion/status.ts'
import { type Kind, readTotals, type Totals } from '../ledger/pushes/totals.ts'
import { companionMetrics } from './companions.ts'
import { metric, type Sample } from './exposition.ts'

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
  const counts = (kind: Kind, name: string) =>
    totals.of(kind).map(({ label, count }): Sample => [{ [name]: label }, count])
  const seconds = (kind: Kind, name: string) =>
    totals.of(kind).map(({ label, ms }): Sample => [{ [name]: label }, ms / 1000])
  const sum = (kind: Kind) => totals.of(kind).map(({ count }): Sample => [{}, count])
  return [
    metric('gate_pushes_total', 'counter', 'Push attempts by outcome', counts('outcome', 'outcome')),
    metric(
      'gate_push_seconds_total',
      'counter',
      'Time that pushes took, by outcome',
      seconds('outcome', 'outcome'),
    ),
    metric('gate_pushes_open', 'gauge', 'Push attempts that go on', [[{}, totals.open]]),
    metric('gate_steps_total', 'counter', 'Steps of pushes', counts('step', 'step')),
    metric('gate_step_seconds_total', 'counter', 'Time that steps of pushes took', seconds('step', 'step')),
    metric('gate_findings_total', 'counter', 'Secrets found, by rule', counts('finding', 'rule')),
    metric('gate_fetches_total', 'counter', 'Fetches', sum('fetch')),
    metric(
      'gate_authentication_failures_total',
      'counter',
      'Requests with credentials that do not hold',
      sum('failure'),
    ),
    metric('gate_webhook_deliveries_waiting', 'gauge', 'What webhooks are still to be told', [
      [{}, totals.deliveries],
    ]),
  ].join('')
}
