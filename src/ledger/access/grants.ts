import { z } from 'zod'
import type { AgentGrant } from '../../contract/admin-api/agents.ts'
import { GrantTerms } from '../../contract/grant.ts'
import { AgentName, RepositoryName } from '../../contract/names.ts'
import { type Operator, withAudit } from '../audit-log.ts'

const Row = z
  .object({ agent: AgentName, repository: RepositoryName, terms: z.string() })
  .transform((row): AgentGrant => ({ ...row, terms: GrantTerms.parse(JSON.parse(row.terms)) }))

/** Selects grants as entries of the audit log. */
export const GRANT_ENTRIES = `SELECT agent || ' ' || repository AS subject, json_object('before', json(terms)) AS detail
  FROM grants`

/** Returns all grants, or the grants of an agent, of a repository, or of both. */
export async function listGrants(
  ledger: D1Database,
  filter: { agent?: string | undefined; repository?: string | undefined } = {},
): Promise<AgentGrant[]> {
  const { results } = await ledger
    .prepare(
      `SELECT agent, repository, terms FROM grants
       WHERE (?1 IS NULL OR agent = ?1) AND (?2 IS NULL OR repository = ?2) ORDER BY agent, repository`,
    )
    .bind(filter.agent ?? null, filter.repository ?? null)
    .all()
  return z.array(Row).parse(results)
}

/** Returns the names of repositories in which an agent has a grant, `limit` of them at most. */
export async function grantedRepositories(
  ledger: D1Database,
  agent: string,
  limit: number,
): Promise<string[]> {
  const { results } = await ledger
    .prepare('SELECT repository FROM grants WHERE agent = ? ORDER BY repository LIMIT ?')
    .bind(agent, limit)
    .all()
  return z
    .array(z.object({ repository: z.string() }))
    .parse(results)
    .map(({ repository }) => repository)
}

/**
 * Sets or replaces an agent's grant in a repository. Throws if either is unknown. The audit log keeps the
 * terms before and after.
 */
export async function setGrant(ledger: D1Database, operator: Operator, grant: AgentGrant): Promise<boolean> {
  const [before] = await listGrants(ledger, { agent: grant.agent, repository: grant.repository })
  return withAudit(
    ledger,
    ledger
      .prepare(
        `INSERT INTO grants (agent, repository, terms) VALUES (?, ?, ?)
         ON CONFLICT (agent, repository) DO UPDATE SET terms = excluded.terms`,
      )
      .bind(grant.agent, grant.repository, JSON.stringify(grant.terms)),
    operator,
    'grant.set',
    `${grant.agent} ${grant.repository}`,
    { before: before?.terms ?? null, terms: grant.terms },
  )
}

/** Removes an agent's grant in a repository. The audit log keeps its terms. */
export function removeGrant(
  ledger: D1Database,
  operator: Operator,
  { agent, repository, terms }: AgentGrant,
): Promise<boolean> {
  return withAudit(
    ledger,
    ledger.prepare('DELETE FROM grants WHERE agent = ? AND repository = ?').bind(agent, repository),
    operator,
    'grant.remove',
    `${agent} ${repository}`,
    { before: terms },
  )
}
