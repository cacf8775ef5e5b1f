import { z } from 'zod'
import { Owner } from '../../contract/admin-api/operators.ts'
import type { AdminToken, MintedAdminToken } from '../../contract/admin-api/tokens.ts'
import { RepositoryName } from '../../contract/names.ts'
import { Role } from '../../contract/role.ts'
import type { AuthenticatedOperator, Operator } from '../audit-log.ts'
import { hashToken, isToken, parseToken } from './token-format.ts'
import { mint, revoke, tokenColumns, toToken } from './token-rows.ts'

const KIND = { table: 'admin_tokens', prefix: 'gateadmin', auditName: 'admin-token' } as const

const roleColumns = { role: Role, repository: RepositoryName.nullable(), owner: z.string().nullable() }
const Columns = z.object({ ...tokenColumns, ...roleColumns })
const COLUMNS = Object.keys(Columns.shape).join(', ')
const Row = Columns.transform((row): AdminToken => toToken(row))

const Secret = z.object({ label: z.string(), hash: z.string(), ...roleColumns })

/**
 * Returns the bearer of an admin token; undefined if the token is unknown, revoked or expired. Records its
 * use.
 */
export async function operatorOfToken(
  ledger: D1Database,
  text: string,
): Promise<AuthenticatedOperator | undefined> {
  const token = parseToken(text, 'gateadmin')
  if (!token) return undefined
  const now = Date.now()
  const row = await ledger
    .prepare(
      `UPDATE admin_tokens SET last_used_at = ?1
       WHERE id = ?2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?1) AND hash = ?3
       RETURNING label, hash, role, repository, owner`,
    )
    .bind(now, token.id, await hashToken(text))
    .first()
  if (!row) return undefined
  const { hash, ...known } = Secret.parse(row)
  return (await isToken(text, hash)) ? operatorOfAdminToken({ ...known, id: token.id }) : undefined
}

/** Returns the bearer of an admin token. */
export const operatorOfAdminToken = ({
  label,
  id,
  role,
  repository,
  owner,
}: Pick<AdminToken, 'label' | 'id' | 'role' | 'repository' | 'owner'>): AuthenticatedOperator => ({
  name: `admin token ${label} (${id})`,
  person: owner ?? `admin token ${id}`,
  roles: [{ role, repository }],
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

/**
 * Mints an admin token. Without an owner it is the operator's, if that is a person. The ledger keeps only its hash, so
 * the returned text is the only copy.
 */
export const addAdminToken = (
  ledger: D1Database,
  operator: AuthenticatedOperator,
  {
    owner,
    ...wanted
  }: Pick<AdminToken, 'label' | 'role' | 'repository' | 'expiresAt'> & { owner?: string | undefined },
): Promise<MintedAdminToken> => {
  const { role, repository } = wanted
  const minter = Owner.safeParse(operator.person).data
  return mint(ledger, operator, KIND, { role, repository, owner: owner ?? minter ?? null }, wanted)
}

/** Revokes an admin token. Returns false if it is unknown or already revoked. */
export const revokeAdminToken = (ledger: D1Database, operator: Operator, id: string): Promise<boolean> =>
  revoke(ledger, operator, KIND, id)
