import { deleteAuthFailures } from './auth-failures.ts'
import { deleteNotices } from './webhooks.ts'

const DAY_MS = 86_400_000
/** The limit of deleted rows per table and sweep, which keeps a sweep short. */
const MAX_ROWS_PER_SWEEP = 5000
/**
 * The limit of pending deliveries, so that an unreachable webhook cannot fill the ledger. The oldest are
 * deleted.
 */
const MAX_DELIVERIES = 50_000

/**
 * Deletes pushes with their approvals, fetches, LFS transfers, host calls and failed authentications older than `days`. The
 * audit log stays.
 */
export async function deleteExpired(ledger: D1Database, days: number): Promise<void> {
  const before = Date.now() - days * DAY_MS
  await ledger.batch([
    ledger
      .prepare(
        `DELETE FROM pushes WHERE id IN
           (SELECT id FROM pushes WHERE started_at < ? AND outcome <> 'open' LIMIT ${MAX_ROWS_PER_SWEEP})`,
      )
      .bind(before),
    ledger
      .prepare(
        `DELETE FROM fetches WHERE id IN (SELECT id FROM fetches WHERE at < ? LIMIT ${MAX_ROWS_PER_SWEEP})`,
      )
      .bind(before),
    ledger
      .prepare(
        `DELETE FROM transfers WHERE id IN (SELECT id FROM transfers WHERE at < ? LIMIT ${MAX_ROWS_PER_SWEEP})`,
      )
      .bind(before),
    ledger
      .prepare(
        `DELETE FROM host_calls WHERE id IN (SELECT id FROM host_calls WHERE at < ? LIMIT ${MAX_ROWS_PER_SWEEP})`,
      )
      .bind(before),
    deleteAuthFailures(ledger, before),
    deleteNotices(ledger),
    ledger.prepare(`DELETE FROM deliveries WHERE id <= (SELECT max(id) FROM deliveries) - ${MAX_DELIVERIES}`),
  ])
}
