import { z } from 'zod'
import type { Identity } from '../../contract/admin-api/identities.ts'
import { IdentityName } from '../../contract/names.ts'
import { type Operator, withAudit } from '../audit-log.ts'
import { iso } from '../time.ts'

const Row = z
  .object({ name: IdentityName, public_key: z.string(), created_at: z.number() })
  .transform(
    (row): Identity => ({ name: row.name, publicKey: row.public_key, createdAt: iso(row.created_at) }),
  )

export async function listIdentities(ledger: D1Database): Promise<Identity[]> {
  return z.array(Row).parse((await ledger.prepare('SELECT * FROM identities ORDER BY name').all()).results)
}

export async function findIdentity(ledger: D1Database, name: string): Promise<Identity | undefined> {
  const row = await ledger.prepare('SELECT * FROM identities WHERE name = ?').bind(name).first()
  return row ? Row.parse(row) : undefined
}

/** Adds an identity with its public key. Returns false if the name is taken. */
export function addIdentity(
  ledger: D1Database,
  operator: Operator,
  name: IdentityName,
  publicKey: string,
): Promise<boolean> {
  return withAudit(
    ledger,
    ledger
      .prepare(
        'INSERT INTO identities (name, public_key, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      )
      .bind(name, publicKey, Date.now()),
    operator,
    'identity.add',
    name,
    { publicKey },
  )
}

/** Removes an identity. Returns false if it is unknown. Throws if a repository uses it (foreign key). */
export function removeIdentity(ledger: D1Database, operator: Operator, name: string): Promise<boolean> {
  return withAudit(
    ledger,
    ledger.prepare('DELETE FROM identities WHERE name = ?').bind(name),
    operator,
    'identity.remove',
    name,
  )
}
