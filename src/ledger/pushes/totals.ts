import { z } from 'zod'

const Kind = z.enum(['outcome', 'step', 'finding', 'fetch', 'auth-failure', 'transfer', 'host-call'])
export type Kind = z.infer<typeof Kind>
const TotalRow = z.object({
  kind: Kind,
  label: z.string(),
  count: z.number(),
  ms: z.number(),
  bytes: z.number(),
})
const CurrentCounts = z.object({ open: z.number(), deliveries: z.number() })

/** Counters since the creation of the ledger, and the current open pushes and pending deliveries. */
export interface Totals extends z.infer<typeof CurrentCounts> {
  of(kind: Kind): readonly z.infer<typeof TotalRow>[]
}

/**
 * Reads the totals for the metrics. Triggers maintain them, so that the cost is independent of the ledger's
 * size.
 */
export async function readTotals(ledger: D1Database): Promise<Totals> {
  const [counted, now] = await ledger.batch([
    ledger.prepare('SELECT kind, label, count, ms, bytes FROM totals'),
    ledger.prepare(
      `SELECT (SELECT count(*) FROM pushes WHERE outcome = 'open') AS open,
              (SELECT count(*) FROM deliveries) AS deliveries`,
    ),
  ])
  const totals = z.array(TotalRow).parse(counted?.results)
  return { ...CurrentCounts.parse(now?.results[0]), of: kind => totals.filter(each => each.kind === kind) }
}
