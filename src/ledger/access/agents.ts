import { z } from 'zod'
import type { Agent } from '../../contract/admin-api/agents.ts'
import { AgentName } from '../../contract/names.ts'
import { auditRemoved, type Operator, withAudit } from '../audit-log.ts'
import { iso } from '../time.ts'
import { GRANT_ENTRIES } from './grants.ts'

const Row = z
  .object({ name: AgentName, created_at: z.number() })
  .transform((row): Agent => ({ name: row.name, createdAt: iso(row.created_at) }))

export async function listAgents(ledger: D1Database): Promise<Agent[]> {
  return z.array(Row).parse((await ledger.prepare('SELECT * FROM agents ORDER BY name').all()).results)
}

export async function findAgent(ledger: D1Database, name: string): Promise<Agent | undefined> {
  const row = await ledger.prepare('SELECT * FROM agents WHERE name = ?').bind(name).first()
  return row ? Row.parse(row) : undefined
}

/** Adds an agent, without any grant. Returns false if the name is taken. */
export function addAgent(ledger: D1Database, operator: Operator, name: AgentName): Promise<boolean> {
  return withAudit(
    ledger,
    ledger
      .prepare('INSERT INTO agents (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING')
      .bind(name, Date.now()),
    operator,
    'agent.add',
    name,
  )
}

/** Removes an agent with its tokens and grants, which the audit log lists. Returns false if it is unknown. */
export function removeAgent(ledger: D1Database, operator: Operator, name: string): Promise<boolean> {
  return withAudit(
    ledger,
    [
      ...auditRemoved(ledger, operator, name, [
        { action: 'grant.remove', query: `${GRANT_ENTRIES} WHERE agent = ?1` },
        {
          action: 'token.revoke',
          query: "SELECT id AS subject, '{}' AS detail FROM tokens WHERE agent = ?1 AND revoked_at IS NULL",
        },
      ]),
      ledger.prepare('DELETE FROM agents WHERE name = ?').bind(name),
    ],
    operator,
    'agent.remove',
    name,
  )
}
