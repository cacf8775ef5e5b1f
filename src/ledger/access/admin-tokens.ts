import { z } from 'zod'
import type { AdminToken, MintedAdminToken } from '../../contract/admin-api/tokens.ts'
import type { Operator } from '../audit-log.ts'
import { hashToken, isToken, parseToken } from './token-format.ts'
import { mint, revoke, tokenColumns, told } from './token-rows.ts'

const KIND = { table: 'admin_tokens', prefix: 'gateadmin', word: 'admin-token' } as const

const Columns = z.object(tokenColumns)
const COLUMNS = Object.keys(Columns.shape).join(', ')
const Row = Columns.transform((row): AdminToken => told(row))

const Secret = z.object({ label: z.string(), hash: z.string() })

/**
 * Returns the bearer of an admin token; undefined if the token is unknown, revoked or expired. Records its
 * use.
 */
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
  return (await isToken(text, hash)) ? operatorOfAdminToken({ label, id: token.id }) : undefined
}

/** Returns the operator's name for the audit log, from the label and id of an admin token. */
export const operatorOfAdminToken = ({ label, id }: Pick<AdminToken, 'label' | 'id'>): Operator => ({
  name: `admin token ${label} (${id})`,
})

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

/** Mints an admin token. The ledger keeps only its hash, so the returned text is the only copy. */
export const addAdminToken = (
  ledger: D1Database,
  operator: Operator,
  wanted: Pick<AdminToken, 'label' | 'expiresAt'>,
): Promise<MintedAdminToken> => mint(ledger, operator, KIND, {}, wanted)

/** Revokes an admin token. Returns false if it is unknown or already revoked. */
export const revokeAdminToken = (ledger: D1Database, operator: Operator, id: string): Promise<boolean> =>
  revoke(ledger, operator, KIND, id)
