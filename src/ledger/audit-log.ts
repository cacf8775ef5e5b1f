import { z } from 'zod'
import type { Change } from '../contract/api.ts'
import { iso } from './time.ts'

/** Who changed something: an admin token by its label, or a person by what Cloudflare Access says. */
export interface Operator {
  readonly name: string
}

/**
 * A statement that records a change if the statement before it in the same batch changed anything:
 * a batch is one transaction, so a change and its record stand or fall together.
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
      'INSERT INTO changes (at, operator, action, subject, detail) SELECT ?, ?, ?, ?, ? WHERE changes() > 0',
    )
    .bind(Date.now(), operator.name, action, subject, JSON.stringify(detail))
}

/** Runs one change with its record; answers whether anything changed. Of several statements, the last is the change. */
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
    (row): Change => ({
      id: row.id,
      at: iso(row.at),
      by: row.operator,
      action: row.action,
      subject: row.subject,
      detail: z.record(z.string(), z.unknown()).parse(JSON.parse(row.detail)),
    }),
  )

/** What operators changed, newest first, from before the change with the id `before`. */
export async function listChanges(
  ledger: D1Database,
  limit: number,
  before: number | undefined,
): Promise<Change[]> {
  const { results } = await ledger
    .prepare('SELECT * FROM changes WHERE id < ? ORDER BY id DESC LIMIT ?')
    .bind(before ?? Number.MAX_SAFE_INTEGER, limit)
    .all()
  return z.array(Row).parse(results)
}
