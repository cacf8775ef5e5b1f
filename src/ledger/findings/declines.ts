import { z } from 'zod'
import type { Declined } from '../../contract/admin-api/findings.ts'
import { RepositoryName } from '../../contract/names.ts'
import { type Operator, withAudit } from '../audit-log.ts'
import { iso } from '../time.ts'
import { type Decision, revokeExceptions, revokeExceptionsOf } from './exceptions.ts'

const Row = z
  .object({
    repository: RepositoryName,
    fingerprint: z.string(),
    reason: z.string(),
    declined_by: z.string(),
    created_at: z.number(),
  })
  .transform(
    (row): Declined => ({
      repository: row.repository,
      fingerprint: row.fingerprint,
      reason: row.reason,
      declinedBy: row.declined_by,
      createdAt: iso(row.created_at),
    }),
  )

/** Returns `limit` declined findings after the first `from`, newest first; with `repository`, only its own. */
export async function listDeclined(
  ledger: D1Database,
  { repository, from, limit }: { repository?: string | undefined; from: number; limit: number },
): Promise<Declined[]> {
  const { results } = await ledger
    .prepare(
      `SELECT * FROM declines WHERE ?1 IS NULL OR repository = ?1
        ORDER BY created_at DESC, fingerprint, repository LIMIT ?2 OFFSET ?3`,
    )
    .bind(repository ?? null, limit, from)
    .all()
  return z.array(Row).parse(results)
}

export async function findDecline(
  ledger: D1Database,
  { repository, fingerprint }: Pick<Declined, 'fingerprint'> & { repository: string },
): Promise<Declined | undefined> {
  const row = await ledger
    .prepare('SELECT * FROM declines WHERE repository = ? AND fingerprint = ?')
    .bind(repository, fingerprint)
    .first()
  return row ? Row.parse(row) : undefined
}

/**
 * Declines a finding, with a reason for the agent. Replaces an earlier decline, and revokes the finding's
 * exceptions.
 */
export async function decline(
  ledger: D1Database,
  operator: Operator,
  wanted: Pick<Declined, 'repository' | 'fingerprint' | 'reason'>,
): Promise<Declined> {
  const now = Date.now()
  await withAudit(
    ledger,
    [
      revokeExceptions(ledger, wanted),
      ledger
        .prepare(
          `INSERT INTO declines (repository, fingerprint, reason, declined_by, created_at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (repository, fingerprint) DO UPDATE
           SET reason = excluded.reason, declined_by = excluded.declined_by, created_at = excluded.created_at`,
        )
        .bind(wanted.repository, wanted.fingerprint, wanted.reason, operator.name, now),
    ],
    operator,
    'finding.decline',
    wanted.fingerprint,
    { ...wanted },
  )
  return { ...wanted, declinedBy: operator.name, createdAt: iso(now) }
}

/** Declines several findings of a repository, with one reason, as one change. */
export async function declineMany(
  ledger: D1Database,
  operator: Operator,
  { repository, reason, fingerprints }: Omit<Decision, 'until'>,
): Promise<void> {
  await withAudit(
    ledger,
    [
      revokeExceptionsOf(ledger, repository, fingerprints),
      ledger
        .prepare(
          `INSERT INTO declines (repository, fingerprint, reason, declined_by, created_at)
           SELECT ?, value, ?, ?, ? FROM json_each(?) WHERE true
           ON CONFLICT (repository, fingerprint) DO UPDATE
           SET reason = excluded.reason, declined_by = excluded.declined_by, created_at = excluded.created_at`,
        )
        .bind(repository, reason, operator.name, Date.now(), JSON.stringify(fingerprints)),
    ],
    operator,
    'finding.decline-many',
    repository,
    { repository, reason, fingerprints },
  )
}

/** Removes a decline, so that the finding is pending again. Returns false if it was not declined. */
export function undoDecline(
  ledger: D1Database,
  operator: Operator,
  repository: string,
  fingerprint: string,
): Promise<boolean> {
  return withAudit(
    ledger,
    ledger
      .prepare('DELETE FROM declines WHERE repository = ? AND fingerprint = ?')
      .bind(repository, fingerprint),
    operator,
    'finding.undo-decline',
    fingerprint,
    { repository },
  )
}
