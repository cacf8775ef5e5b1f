import { z } from 'zod'
import type { GrantedException } from '../../contract/admin-api/findings.ts'
import { RepositoryName } from '../../contract/names.ts'
import { type Operator, withAudit } from '../audit-log.ts'
import { iso, isoOrNull, millisOrNull } from '../time.ts'

const Row = z
  .object({
    id: z.string(),
    repository: RepositoryName,
    fingerprint: z.string(),
    reason: z.string(),
    granted_by: z.string(),
    created_at: z.number(),
    until: z.number().nullable(),
    revoked_at: z.number().nullable(),
  })
  .transform(
    (row): GrantedException => ({
      id: row.id,
      repository: row.repository,
      fingerprint: row.fingerprint,
      reason: row.reason,
      grantedBy: row.granted_by,
      createdAt: iso(row.created_at),
      until: isoOrNull(row.until),
      revokedAt: isoOrNull(row.revoked_at),
    }),
  )

/** Returns all exceptions, also revoked and expired, newest first; with `repository`, only its exceptions. */
export async function listExceptions(ledger: D1Database, repository?: string): Promise<GrantedException[]> {
  const { results } = await ledger
    .prepare('SELECT * FROM exceptions WHERE ?1 IS NULL OR repository = ?1 ORDER BY created_at DESC, id')
    .bind(repository ?? null)
    .all()
  return z.array(Row).parse(results)
}

export async function findException(ledger: D1Database, id: string): Promise<GrantedException | undefined> {
  const row = await ledger.prepare('SELECT * FROM exceptions WHERE id = ?').bind(id).first()
  return row ? Row.parse(row) : undefined
}

/** Returns the number of exceptions in force in a repository. */
export async function countExceptions(ledger: D1Database, repository: string): Promise<number> {
  const row = await ledger
    .prepare(
      `SELECT count(*) AS holding FROM exceptions
        WHERE repository = ? AND revoked_at IS NULL AND (until IS NULL OR until > ?)`,
    )
    .bind(repository, Date.now())
    .first()
  return z.object({ holding: z.number() }).parse(row).holding
}

/** Revokes every exception of a finding: any other exception would still let the finding pass. */
export const revokeExceptions = (
  ledger: D1Database,
  { repository, fingerprint }: Pick<GrantedException, 'repository' | 'fingerprint'>,
): D1PreparedStatement =>
  ledger
    .prepare(
      'UPDATE exceptions SET revoked_at = ? WHERE repository = ? AND fingerprint = ? AND revoked_at IS NULL',
    )
    .bind(Date.now(), repository, fingerprint)

/**
 * Adds an exception that lets a finding pass, without expiry or until a time. Replaces the finding's earlier
 * exception. Throws if the repository is unknown (foreign key).
 */
export async function addException(
  ledger: D1Database,
  operator: Operator,
  wanted: Pick<GrantedException, 'repository' | 'fingerprint' | 'reason' | 'until'>,
): Promise<GrantedException> {
  const id = crypto.randomUUID().slice(0, 13)
  const createdAt = Date.now()
  const until = millisOrNull(wanted.until)
  await withAudit(
    ledger,
    [
      revokeExceptions(ledger, wanted),
      ledger
        .prepare(
          `INSERT INTO exceptions (id, repository, fingerprint, reason, granted_by, created_at, until)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
        )
        .bind(id, wanted.repository, wanted.fingerprint, wanted.reason, operator.name, createdAt, until),
    ],
    operator,
    'exception.add',
    id,
    { ...wanted },
  )
  return {
    ...wanted,
    id,
    grantedBy: operator.name,
    createdAt: iso(createdAt),
    until: isoOrNull(until),
    revokedAt: null,
  }
}

/** Adds exceptions for several findings of a repository, with one reason, as one change. */
export async function addExceptions(
  ledger: D1Database,
  operator: Operator,
  { fingerprints, ...wanted }: Decision,
): Promise<void> {
  const ids = fingerprints.map(fingerprint => ({ id: crypto.randomUUID().slice(0, 13), fingerprint }))
  const now = Date.now()
  await withAudit(
    ledger,
    [
      revokeExceptionsOf(ledger, wanted.repository, fingerprints),
      ledger
        .prepare(
          `INSERT INTO exceptions (id, repository, fingerprint, reason, granted_by, created_at, until)
           SELECT value ->> 'id', ?, value ->> 'fingerprint', ?, ?, ?, ? FROM json_each(?)`,
        )
        .bind(
          wanted.repository,
          wanted.reason,
          operator.name,
          now,
          millisOrNull(wanted.until),
          JSON.stringify(ids),
        ),
    ],
    operator,
    'exception.add-many',
    wanted.repository,
    { ...wanted, fingerprints },
  )
}

/** A decision on several findings. */
export interface Decision extends Pick<GrantedException, 'repository' | 'reason' | 'until'> {
  readonly fingerprints: readonly string[]
}

/** Revokes every exception of several findings. */
export const revokeExceptionsOf = (
  ledger: D1Database,
  repository: string,
  fingerprints: readonly string[],
): D1PreparedStatement =>
  ledger
    .prepare(
      `UPDATE exceptions SET revoked_at = ?
        WHERE repository = ? AND revoked_at IS NULL AND fingerprint IN (SELECT value FROM json_each(?))`,
    )
    .bind(Date.now(), repository, JSON.stringify(fingerprints))

/**
 * Revokes an exception, and every other exception of its finding. Returns false if it is unknown or already
 * revoked.
 */
export function revokeException(ledger: D1Database, operator: Operator, id: string): Promise<boolean> {
  return withAudit(
    ledger,
    ledger
      .prepare(
        `UPDATE exceptions SET revoked_at = ? WHERE revoked_at IS NULL AND (repository, fingerprint) IN
          (SELECT repository, fingerprint FROM exceptions WHERE id = ? AND revoked_at IS NULL)`,
      )
      .bind(Date.now(), id),
    operator,
    'exception.revoke',
    id,
  )
}
