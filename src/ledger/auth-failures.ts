import { z } from 'zod'
import type { AuthFailures } from '../contract/admin-api/records.ts'
import { iso } from './time.ts'

const MINUTE_MS = 60_000

/**
 * The limit of addresses with their own row in a minute. Further addresses share a row, which bounds the
 * writes.
 */
const MAX_ADDRESSES = 100
const OTHER_ADDRESSES = 'others'

/** The limit of rows in the table. */
const MAX_ROWS = 10_000

/** Records a failed authentication. Returns the address's number of failures in the current minute. */
export async function countAuthFailure(ledger: D1Database, address: string): Promise<number> {
  const row = await ledger
    .prepare(
      `INSERT INTO auth_failures (address, minute, count)
       SELECT CASE WHEN EXISTS (SELECT 1 FROM auth_failures WHERE address = ?1 AND minute = ?2)
                     OR (SELECT count(*) FROM auth_failures WHERE minute = ?2) < ?3 THEN ?1 ELSE ?4 END, ?2, 1
        WHERE true
       ON CONFLICT (address, minute) DO UPDATE SET count = count + 1 RETURNING count`,
    )
    .bind(address, Math.floor(Date.now() / MINUTE_MS), MAX_ADDRESSES, OTHER_ADDRESSES)
    .first()
  return z.object({ count: z.number() }).parse(row).count
}

/** Deletes the failures before `before` (Unix milliseconds), and the oldest beyond MAX_ROWS. */
export const deleteAuthFailures = (ledger: D1Database, before: number): D1PreparedStatement =>
  ledger
    .prepare(
      `DELETE FROM auth_failures WHERE minute < max(?1, coalesce(
         (SELECT minute FROM auth_failures ORDER BY minute DESC LIMIT 1 OFFSET ?2), 0))`,
    )
    .bind(Math.floor(before / MINUTE_MS), MAX_ROWS)

const Row = z
  .object({ address: z.string(), minute: z.number(), count: z.number() })
  .transform(
    (row): AuthFailures => ({ address: row.address, at: iso(row.minute * MINUTE_MS), count: row.count }),
  )

/** Returns the newest failed authentications, counted by address and minute. */
export async function listAuthFailures(ledger: D1Database, limit: number): Promise<AuthFailures[]> {
  const { results } = await ledger
    .prepare('SELECT address, minute, count FROM auth_failures ORDER BY minute DESC, count DESC LIMIT ?')
    .bind(limit)
    .all()
  return z.array(Row).parse(results)
}
