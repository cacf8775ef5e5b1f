import { z } from 'zod'

const Labelled = z.array(z.object({ label: z.string(), value: z.number() }))
const Timed = z.array(z.object({ label: z.string(), count: z.number(), ms: z.number() }))
export type Totals = Awaited<ReturnType<typeof readTotals>>

/** What the ledger holds, summed for the metrics. */
export async function readTotals(ledger: D1Database) {
  const [outcomes, steps, findings, fetches, failures, deliveries] = await ledger.batch([
    ledger.prepare('SELECT outcome AS label, count(*) AS count, sum(ms) AS ms FROM pushes GROUP BY outcome'),
    ledger.prepare(
      `SELECT value ->> 'step' AS label, count(*) AS count, sum(value ->> 'ms') AS ms
       FROM pushes, json_each(pushes.steps) GROUP BY 1`,
    ),
    ledger.prepare(
      `SELECT value ->> 'rule' AS label, count(*) AS value FROM pushes, json_each(pushes.findings)
       WHERE pushes.findings <> '[]' GROUP BY 1`,
    ),
    ledger.prepare("SELECT 'all' AS label, count(*) AS value FROM fetches"),
    ledger.prepare("SELECT 'all' AS label, coalesce(sum(count), 0) AS value FROM failures"),
    ledger.prepare("SELECT 'all' AS label, count(*) AS value FROM deliveries"),
  ])
  return {
    outcomes: Timed.parse(outcomes?.results),
    steps: Timed.parse(steps?.results),
    findings: Labelled.parse(findings?.results),
    fetches: Labelled.parse(fetches?.results),
    failures: Labelled.parse(failures?.results),
    deliveries: Labelled.parse(deliveries?.results),
  }
}
