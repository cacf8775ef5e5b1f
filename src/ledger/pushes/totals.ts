import { z } from 'zod'

const Kind = z.enum(['outcome', 'step', 'finding', 'fetch', 'failure'])
export type Kind = z.infer<typeof Kind>
const Counted = z.object({
  kind: Kind,
  label: z.string(),
  count: z.number(),
  ms: z.number(),
})
const Now = z.object({ open: z.number(), deliveries: z.number() })

/** What has been counted since the ledger was begun, and what goes on now. */
export interface Totals extends z.infer<typeof Now> {
  of(kind: Kind): readonly z.infer<typeof Counted>[]
}

/** The sums for the metrics. Triggers keep them, so that reading them costs the same however long the ledger is. */
export async function readTotals(ledger: D1Database): Promise<Totals> {
  const [counted, now] = await ledger.batch([
    ledger.prepare('SELECT kind, label, count, ms FROM totals'),
    ledger.prepare(
      `SELECT (SELECT count(*) FROM pushes WHERE outcome = 'open') AS open,
              (SELECT count(*) FROM deliveries) AS deliveries`,
    ),
  ])
  const totals = z.array(Counted).parse(counted?.results)
  return { ...Now.parse(now?.results[0]), of: kind => totals.filter(each => each.kind === kind) }
}
