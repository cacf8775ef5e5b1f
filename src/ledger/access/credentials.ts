import { z } from 'zod'
import type { Credential } from '../../contract/admin-api/credentials.ts'
import { GitHubApp, HostCredential } from '../../contract/credential.ts'
import { CredentialName } from '../../contract/names.ts'
import { type Operator, withAudit } from '../audit-log.ts'
import { json } from '../json-column.ts'
import { iso } from '../time.ts'

const Row = z
  .object({
    name: CredentialName,
    user: HostCredential.shape.user,
    app: json(GitHubApp).nullable(),
    created_at: z.number(),
    changed_at: z.number(),
  })
  .transform(
    ({ name, user, app, created_at, changed_at }): Credential => ({
      name,
      user,
      app,
      createdAt: iso(created_at),
      changedAt: iso(changed_at),
    }),
  )

export async function listCredentials(ledger: D1Database): Promise<Credential[]> {
  return z.array(Row).parse((await ledger.prepare('SELECT * FROM credentials ORDER BY name').all()).results)
}

export async function findCredential(ledger: D1Database, name: string): Promise<Credential | undefined> {
  const row = await ledger.prepare('SELECT * FROM credentials WHERE name = ?').bind(name).first()
  return row ? Row.parse(row) : undefined
}

/** Adds a credential, or replaces it. The ledger never has its secret. */
export async function setCredential(
  ledger: D1Database,
  operator: Operator,
  { name, user, app }: HostCredential,
): Promise<void> {
  const now = Date.now()
  await withAudit(
    ledger,
    ledger
      .prepare(
        `INSERT INTO credentials (name, user, app, created_at, changed_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET user = excluded.user, app = excluded.app, changed_at = excluded.changed_at`,
      )
      .bind(name, user, app && JSON.stringify(app), now, now),
    operator,
    'credential.set',
    name,
    { user, app },
  )
}

/** Removes a credential. Returns false if it is unknown. Throws if a repository uses it (foreign key). */
export function removeCredential(ledger: D1Database, operator: Operator, name: string): Promise<boolean> {
  return withAudit(
    ledger,
    ledger.prepare('DELETE FROM credentials WHERE name = ?').bind(name),
    operator,
    'credential.remove',
    name,
  )
}
