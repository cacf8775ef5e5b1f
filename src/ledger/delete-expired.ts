import { forgetFailures } from './auth-failures.ts'

const DAY_MS = 86_400_000
/** So that one sweep stays short; the next takes more. */
const ROWS_A_SWEEP = 5000
/** A webhook that takes nothing for a day is not told of more pushes than these; the oldest are given up. */
const MOST_DELIVERIES = 50_000

/** Forgets pushes, fetches and failed authentications older than `days`. What operators changed is kept. */
export async function deleteExpired(ledger: D1Database, days: number): Promise<void> {
  const before = Date.now() - days * DAY_MS
  await ledger.batch([
    ledger
      .prepare(
        `DELETE FROM pushes WHERE id IN
           (SELECT id FROM pushes WHERE started_at < ? AND outcome <> 'open' LIMIT ${ROWS_A_SWEEP})`,
      )
      .bind(before),
    ledger
      .prepare(`DELETE FROM fetches WHERE id IN (SELECT id FROM fetches WHERE at < ? LIMIT ${ROWS_A_SWEEP})`)
      .bind(before),
    forgetFailures(ledger, before),
    ledger.prepare(
      `DELETE FROM deliveries WHERE id <= (SELECT max(id) FROM deliveries) - ${MOST_DELIVERIES}`,
    ),
  ])
}
