import { z } from 'zod'
import { hashToken, isToken, mintToken, parseToken } from '../access/token.ts'
import type { AdminToken, MintedAdminToken } from '../contract/api.ts'
import { change, type Operator } from './changes.ts'
import { iso, isoOrNull, millisOrNull } from './time.ts'

const COLUMNS = 'id, label, created_at, expires_at, revoked_at, last_used_at'

const Row = z
  .object({
    id: z.string(),
    label: z.string(),
    created_at: z.number(),
    expires_at: z.number().nullable(),
    revoked_at: z.number().nullable(),
    last_used_at: z.number().nullable(),
  })
  .transform(
    (row): AdminToken => ({
      id: row.id,
      label: row.label,
      createdAt: iso(row.created_at),
      expiresAt: isoOrNull(row.expires_at),
      revokedAt: isoOrNull(row.revoked_at),
      lastUsedAt: isoOrNull(row.last_used_at),
    }),
  )

const Secret = z.object({ label: z.string(), hash: z.string() })

/** The operator behind an admin token of the ledger; undefined when it is none, or has ended. */
export async function operatorOfToken(ledger: D1Database, text: string): Promise<Operator | undefined> {
  const token = parseToken(text, 'gateadmin')
  if (!token) return undefined
  const now = Date.now()
  const row = await ledger
    .prepare(
      `UPDATE admin_tokens SET last_used_at = ?1
       WHERE id = ?2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?1) AND hash = ?3
       RETURNING label, hash`,
    )
    .bind(now, token.id, await hashToken(text))
    .first()
  if (!row) return undefined
  const { label, hash } = Secret.parse(row)
  return (await isToken(text, hash)) ? { name: `admin token ${label} (${token.id})` } : undefined
}

export async function listAdminTokens(ledger: D1Database): Promise<AdminToken[]> {
  const { results } = await ledger
    .prepare(`SELECT ${COLUMNS} FROM admin_tokens ORDER BY created_at DESC, id`)
    .all()
  return z.array(Row).parse(results)
}

export async function findAdminToken(ledger: D1Database, id: string): Promise<AdminToken | undefined> {
  const row = await ledger.prepare(`SELECT ${COLUMNS} FROM admin_tokens WHERE id = ?`).bind(id).first()
  return row ? Row.parse(row) : undefined
}

/** A new admin token. The answer is the only place that ever holds the token itself. */
export async function addAdminToken(
  ledger: D1Database,
  operator: Operator,
  wanted: Pick<AdminToken, 'label' | 'expiresAt'>,
): Promise<MintedAdminToken> {
  const { id, text } = mintToken('gateadmin')
  const createdAt = Date.now()
  await change(
    ledger,
    ledger
      .prepare('INSERT INTO admin_tokens (id, label, hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?)')
      .bind(id, wanted.label, await hashToken(text), createdAt, millisOrNull(wanted.expiresAt)),
    operator,
    'admin-token.mint',
    id,
    { ...wanted },
  )
  return { ...wanted, id, createdAt: iso(createdAt), revokedAt: null, lastUsedAt: null, token: text }
}

/** Ends an admin token at once; false when there is none or it was revoked before. */
export function revokeAdminToken(ledger: D1Database, operator: Operator, id: string): Promise<boolean> {
  return change(
    ledger,
    ledger
      .prepare('UPDATE admin_tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL')
      .bind(Date.now(), id),
    operator,
    'admin-token.revoke',
    id,
  )
}
