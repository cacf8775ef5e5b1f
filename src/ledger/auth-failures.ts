import { z } from 'zod'
import type { Failures } from '../contract/api.ts'
import { iso } from './time.ts'

const MINUTE_MS = 60_000

/** Records a failed authentication, and answers how many came from this address in this minute. */
export async function recordFailure(ledger: D1Database, address: string): Promise<number> {
  const row = await ledger
    .prepare(
      `INSERT INTO failures (address, minute, count) VALUES (?, ?, 1)
       ON CONFLICT (address, minute) DO UPDATE SET count = count + 1 RETURNING count`,
    )
    .bind(address, Math.floor(Date.now() / MINUTE_MS))
    .first()
  return z.object({ count: z.number() }).parse(row).count
}

const Row = z
  .object({ address: z.string(), minute: z.number(), count: z.number() })
  .transform((row): Failures => ({ address: row.address, at: iso(row.minute * MINUTE_MS), count: row.count }))

/** The newest failed authentications, by address and minute. */
export async function listFailures(ledger: D1Database, limit: number): Promise<Failures[]> {
  const { results } = await ledger
    .prepare('SELECT address, minute, count FROM failures ORDER BY minute DESC, count DESC LIMIT ?')
    .bind(limit)
    .all()
  return z.array(Row).parse(results)
}
