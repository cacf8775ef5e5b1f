import { z } from 'zod'
import { DeployKeyTarget } from '../../contract/admin-api/identities.ts'
import type { IdentityName } from '../../contract/names.ts'
import { type Operator, withAudit } from '../audit-log.ts'
import { json } from '../json-column.ts'

const Row = z.object({ target: json(DeployKeyTarget), key: z.number().int() })
/** A deploy key of an identity, at a project of a host. */
export type DeployKey = z.infer<typeof Row>

/** Returns the deploy keys as which an identity is registered. */
export async function deployKeysOf(ledger: D1Database, identity: string): Promise<DeployKey[]> {
  const { results } = await ledger
    .prepare('SELECT target, key FROM deploy_keys WHERE identity = ?')
    .bind(identity)
    .all()
  return z.array(Row).parse(results)
}

export function addDeployKey(
  ledger: D1Database,
  operator: Operator,
  identity: IdentityName,
  { target, key }: DeployKey,
): Promise<boolean> {
  return withAudit(
    ledger,
    ledger
      .prepare('INSERT INTO deploy_keys (identity, target, key) VALUES (?, ?, ?)')
      .bind(identity, JSON.stringify(target), key),
    operator,
    'identity.register',
    identity,
    { upstream: target.upstream, key },
  )
}
