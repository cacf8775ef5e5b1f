import { z } from 'zod'
import { hashToken, mintToken } from '../access/token.ts'
import type { MintedToken, Token } from '../contract/api.ts'
import { AgentName } from '../contract/names.ts'
import { change, type Operator } from './changes.ts'
import { iso, isoOrNull, millisOrNull } from './time.ts'

const COLUMNS = 'id, agent, label, created_at, expires_at, revoked_at, last_used_at'

const Row = z
  .object({
    id: z.string(),
    agent: AgentName,
    label: z.string(),
    created_at: z.number(),
    expires_at: z.number().nullable(),
    revoked_at: z.number().nullable(),
    last_used_at: z.number().nullable(),
  })
  .transform(
    (row): Token => ({
      id: row.id,
      agent: row.agent,
      label: row.label,
      createdAt: iso(row.created_at),
      expiresAt: isoOrNull(row.expires_at),
      revokedAt: isoOrNull(row.revoked_at),
      lastUsedAt: isoOrNull(row.last_used_at),
    }),
  )

/** Every token that was minted, without its secret, newest first. */
export async function listTokens(ledger: D1Database, agent?: string): Promise<Token[]> {
  const { results } = await ledger
    .prepare(`SELECT ${COLUMNS} FROM tokens WHERE ?1 IS NULL OR agent = ?1 ORDER BY created_at DESC, id`)
    .bind(agent ?? null)
    .all()
  return z.array(Row).parse(results)
}

export async function findToken(ledger: D1Database, id: string): Promise<Token | undefined> {
  const row = await ledger.prepare(`SELECT ${COLUMNS} FROM tokens WHERE id = ?`).bind(id).first()
  return row ? Row.parse(row) : undefined
}

/** A new token for an agent that is there. The answer is the only place that ever holds the token itself. */
export async function addToken(
  ledger: D1Database,
  operator: Operator,
  wanted: Pick<Token, 'agent' | 'label' | 'expiresAt'>,
): Promise<MintedToken> {
  const { id, text } = mintToken()
  const createdAt = Date.now()
  await change(
    ledger,
    ledger
      .prepare(
        'INSERT INTO tokens (id, agent, label, hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .bind(id, wanted.agent, wanted.label, await hashToken(text), createdAt, millisOrNull(wanted.expiresAt)),
    operator,
    'token.mint',
    id,
    { ...wanted },
  )
  return { ...wanted, id, createdAt: iso(createdAt), revokedAt: null, lastUsedAt: null, token: text }
}

/** Ends a token at once; false when there is none or it was revoked before. */
export function revokeToken(ledger: D1Database, operator: Operator, id: string): Promise<boolean> {
  return change(
    ledger,
    ledger
      .prepare('UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL')
      .bind(Date.now(), id),
    operator,
    'token.revoke',
    id,
  )
}
