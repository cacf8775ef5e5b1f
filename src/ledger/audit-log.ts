import { z } from 'zod'
import type { AuditEntry } from '../contract/admin-api/records.ts'
import type { AssignedRole } from '../contract/role.ts'
import { iso } from './time.ts'

/** The author of a change: an admin token, by its label, or a person who has signed in. */
export interface Operator {
  readonly name: string
}

/** An operator whom a request has authenticated, with the roles of this moment. */
export interface AuthenticatedOperator extends Operator {
  readonly roles: readonly AssignedRole[]
  /** The same for each sign-in and token of a person or service. Approvals count by it. */
  readonly person: string
}

/**
 * Returns a statement that records a change if the statement before it in the batch changed any row. D1 runs
 * a batch as a transaction, so the change and its record commit together.
 */
function auditStatement(
  ledger: D1Database,
  operator: Operator,
  action: string,
  subject: string,
  detail: Record<string, unknown> = {},
): D1PreparedStatement {
  return ledger
    .prepare(
      'INSERT INTO audit_log (at, operator, action, subject, detail) SELECT ?, ?, ?, ?, ? WHERE changes() > 0',
    )
    .bind(Date.now(), operator.name, action, subject, JSON.stringify(detail))
}

/** Rows that a removal deletes with its subject. */
interface Removed {
  /** The action in the audit log that ends each of them by itself. */
  readonly action: string
  /** Returns them as `subject` and `detail` (JSON). The only parameter is the name of what is removed. */
  readonly query: string
}

/**
 * Returns the statements that record each row which goes with `name`, as an entry of its own: together their details may
 * exceed the size of a row in D1.
 */
export const auditRemoved = (
  ledger: D1Database,
  operator: Operator,
  name: string,
  removed: readonly Removed[],
): D1PreparedStatement[] =>
  removed.map(({ action, query }) =>
    ledger
      .prepare(
        `INSERT INTO audit_log (at, operator, action, subject, detail) SELECT ?2, ?3, ?4, subject, detail FROM (${query})`,
      )
      .bind(name, Date.now(), operator.name, action),
  )

/** Runs a change and records it. Returns whether the last of the statements changed any row. */
export async function withAudit(
  ledger: D1Database,
  statement: D1PreparedStatement | readonly D1PreparedStatement[],
  ...record: [operator: Operator, action: string, subject: string, detail?: Record<string, unknown>]
): Promise<boolean> {
  const statements = [statement].flat()
  const done = await ledger.batch([...statements, auditStatement(ledger, ...record)])
  return (done[statements.length - 1]?.meta.changes ?? 0) > 0
}

const Row = z
  .object({
    id: z.number(),
    at: z.number(),
    operator: z.string(),
    action: z.string(),
    subject: z.string(),
    detail: z.string(),
  })
  .transform(
    (row): AuditEntry => ({
      id: row.id,
      at: iso(row.at),
      operator: row.operator,
      action: row.action,
      subject: row.subject,
      detail: z.record(z.string(), z.unknown()).parse(JSON.parse(row.detail)),
    }),
  )

/** Returns the changes of operators before the change with the id `before`, newest first. */
export async function readAuditLog(
  ledger: D1Database,
  limit: number,
  before: number | undefined,
): Promise<AuditEntry[]> {
  const { results } = await ledger
    .prepare('SELECT * FROM audit_log WHERE id < ? ORDER BY id DESC LIMIT ?')
    .bind(before ?? Number.MAX_SAFE_INTEGER, limit)
    .all()
  return z.array(Row).parse(results)
}
