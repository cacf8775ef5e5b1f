import { z } from 'zod'
import type { MintedToken, Token } from '../../contract/admin-api/tokens.ts'
import { AgentName } from '../../contract/names.ts'
import type { Operator } from '../audit-log.ts'
import { mint, revoke, tokenColumns, toToken } from './token-rows.ts'

const KIND = { table: 'tokens', prefix: 'gate', auditName: 'token' } as const

const Columns = z.object({ ...tokenColumns, agent: AgentName })
const COLUMNS = Object.keys(Columns.shape).join(', ')
const Row = Columns.transform((row): Token => toToken(row))

/** Returns all tokens, also revoked and expired, newest first; with `agent`, only its tokens. */
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

/** Mints a token for an agent. Throws if the agent is unknown (foreign key). */
export const addToken = (
  ledger: D1Database,
  operator: Operator,
  { agent, ...wanted }: Pick<Token, 'agent' | 'label' | 'expiresAt'>,
): Promise<MintedToken> => mint(ledger, operator, KIND, { agent }, wanted)

/** Revokes a token. Returns false if it is unknown or already revoked. */
export const revokeToken = (ledger: D1Database, operator: Operator, id: string): Promise<boolean> =>
  revoke(ledger, operator, KIND, id)
