import { z } from 'zod'
import type { AdminToken, MintedAdminToken } from '../../contract/admin-api/tokens.ts'
import { type Operator, withAudit } from '../audit-log.ts'
import { iso, isoOrNull, millisOrNull } from '../time.ts'
import { hashToken, mintToken, type TokenPrefix } from './token-format.ts'

/** A kind of token. Agents' and operators' tokens have the same columns, in separate tables. */
interface Kind {
  readonly table: 'tokens' | 'admin_tokens'
  readonly prefix: TokenPrefix
  /** The prefix of its actions in the audit log. */
  readonly auditName: 'token' | 'admin-token'
}

/** The columns of a token that the API returns. */
export const tokenColumns = {
  id: z.string(),
  label: z.string(),
  created_at: z.number(),
  expires_at: z.number().nullable(),
  revoked_at: z.number().nullable(),
  last_used_at: z.number().nullable(),
}
const Minted = z.object(tokenColumns)

/** Converts a row to the API's form. */
export const toToken = <R extends z.infer<typeof Minted>>({
  created_at,
  expires_at,
  revoked_at,
  last_used_at,
  ...row
}: R) => ({
  ...row,
  createdAt: iso(created_at),
  expiresAt: isoOrNull(expires_at),
  revokedAt: isoOrNull(revoked_at),
  lastUsedAt: isoOrNull(last_used_at),
})

/**
 * Mints a token, with `further` columns. The ledger keeps only its hash, so the returned text is the
 * only copy.
 */
export async function mint<O extends Readonly<Record<string, string | null>>>(
  ledger: D1Database,
  operator: Operator,
  { table, prefix, auditName }: Kind,
  further: O,
  { label, expiresAt }: Pick<AdminToken, 'label' | 'expiresAt'>,
): Promise<O & Omit<MintedAdminToken, 'role' | 'repository' | 'owner'>> {
  const { id, text } = mintToken(prefix)
  const now = Date.now()
  const hash = await hashToken(text)
  const ends = millisOrNull(expiresAt)
  const row = { ...further, id, label, hash, created_at: now, expires_at: ends }
  const columns = Object.keys(row)
  await withAudit(
    ledger,
    ledger
      .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
      .bind(...Object.values(row)),
    operator,
    `${auditName}.mint`,
    id,
    { ...further, label, expiresAt },
  )
  return {
    ...further,
    id,
    label,
    createdAt: iso(now),
    expiresAt: isoOrNull(ends),
    revokedAt: null,
    lastUsedAt: null,
    token: text,
  }
}

/** Revokes a token. Returns false if it is unknown or already revoked. */
export function revoke(
  ledger: D1Database,
  operator: Operator,
  { table, auditName }: Kind,
  id: string,
): Promise<boolean> {
  return withAudit(
    ledger,
    ledger
      .prepare(`UPDATE ${table} SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`)
      .bind(Date.now(), id),
    operator,
    `${auditName}.revoke`,
    id,
  )
}
