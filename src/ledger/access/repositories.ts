import { z } from 'zod'
import type { NewRepository, Repository, RepositorySettings } from '../../contract/admin-api/repositories.ts'
import { Upstream } from '../../contract/companion-api/pass.ts'
import { ForgeKind } from '../../contract/hosts/forge.ts'
import { CredentialName, IdentityName, RepositoryName } from '../../contract/names.ts'
import { auditRemoved, type Operator, withAudit } from '../audit-log.ts'
import { json } from '../json-column.ts'
import { iso } from '../time.ts'
import { findCredential } from './credentials.ts'
import { GRANT_ENTRIES } from './grants.ts'

const Row = z
  .object({
    name: RepositoryName,
    upstream: z.string(),
    identity: IdentityName.nullable(),
    known_hosts: z.string(),
    credential: CredentialName.nullable(),
    ca: z.string(),
    proxy: z.string(),
    forge: ForgeKind.nullable(),
    api_url: z.string(),
    web_url: z.string(),
    stale_reads: z.number(),
    read_refs: json(z.array(z.string())),
    gitleaks_config: z.string(),
    created_at: z.number(),
  })
  .transform(
    (row): Repository => ({
      name: row.name,
      upstream: row.upstream,
      identity: row.identity,
      knownHosts: row.known_hosts,
      credential: row.credential,
      ca: row.ca,
      proxy: row.proxy,
      forge: row.forge,
      apiUrl: row.api_url,
      webUrl: row.web_url,
      staleReads: row.stale_reads !== 0,
      readRefs: row.read_refs,
      gitleaksConfig: row.gitleaks_config,
      createdAt: iso(row.created_at),
    }),
  )

export async function listRepositories(ledger: D1Database): Promise<Repository[]> {
  return z.array(Row).parse((await ledger.prepare('SELECT * FROM repositories ORDER BY name').all()).results)
}

/** Finds a repository by its name, without regard to case. */
export async function findRepository(ledger: D1Database, name: string): Promise<Repository | undefined> {
  const row = await ledger.prepare('SELECT * FROM repositories WHERE name = ?').bind(name).first()
  return row ? Row.parse(row) : undefined
}

/** Returns a repository's upstream, as a pass carries it. */
export async function findUpstream(ledger: D1Database, name: string): Promise<Upstream | undefined> {
  const found = await findRepository(ledger, name)
  return found && toUpstream(ledger, found)
}

/** Returns the upstream of a repository with these settings. */
export async function toUpstream(
  ledger: D1Database,
  { upstream, credential, ...settings }: Omit<RepositorySettings, 'webUrl'> & { name: RepositoryName },
): Promise<Upstream> {
  const found = credential === null ? null : ((await findCredential(ledger, credential)) ?? null)
  return Upstream.parse({ ...settings, url: upstream, credential: found })
}

/**
 * Adds a repository. Returns false if the name is taken. Throws if its identity or credential is unknown
 * (foreign key).
 */
export function addRepository(
  ledger: D1Database,
  operator: Operator,
  repository: NewRepository,
): Promise<boolean> {
  const { name, ...settings } = repository
  return withAudit(
    ledger,
    ledger
      .prepare(
        `INSERT INTO repositories
           (name, upstream, identity, known_hosts, credential, ca, proxy, forge, api_url, web_url, stale_reads,
             read_refs, gitleaks_config, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      )
      .bind(name, ...columns(settings), Date.now()),
    operator,
    'repository.add',
    name,
    settings,
  )
}

/**
 * Replaces a repository's settings. Returns false if it is unknown. Throws if its identity or credential is
 * unknown.
 */
export function updateRepository(
  ledger: D1Database,
  operator: Operator,
  name: RepositoryName,
  settings: RepositorySettings,
): Promise<boolean> {
  return withAudit(
    ledger,
    ledger
      .prepare(
        `UPDATE repositories SET upstream = ?, identity = ?, known_hosts = ?, credential = ?, ca = ?, proxy = ?,
           forge = ?, api_url = ?, web_url = ?, stale_reads = ?, read_refs = ?, gitleaks_config = ?
         WHERE name = ?`,
      )
      .bind(...columns(settings), name),
    operator,
    'repository.update',
    name,
    settings,
  )
}

/** The rows that are deleted with a repository, by the action that would end each by itself. */
const REMOVED = [
  { action: 'grant.remove', query: `${GRANT_ENTRIES} WHERE repository = ?1` },
  {
    action: 'exception.revoke',
    query: `SELECT id AS subject, '{}' AS detail FROM exceptions WHERE repository = ?1 AND revoked_at IS NULL`,
  },
  {
    action: 'finding.undo-decline',
    query: `SELECT fingerprint AS subject, json_object('repository', repository) AS detail
              FROM declines WHERE repository = ?1`,
  },
  {
    action: 'operator.remove',
    query: `SELECT principal AS subject, json_object('repository', repository) AS detail
              FROM operator_roles WHERE repository = ?1`,
  },
  {
    action: 'admin-token.revoke',
    query: `SELECT id AS subject, '{}' AS detail FROM admin_tokens WHERE repository = ?1 AND revoked_at IS NULL`,
  },
]

/**
 * Removes a repository with its grants, exceptions, declines, roles and admin tokens, which the audit log lists. Its pushes
 * stay on record.
 */
export function removeRepository(
  ledger: D1Database,
  operator: Operator,
  name: RepositoryName,
): Promise<boolean> {
  return withAudit(
    ledger,
    [
      ...auditRemoved(ledger, operator, name, REMOVED),
      ledger.prepare('DELETE FROM repositories WHERE name = ?').bind(name),
    ],
    operator,
    'repository.remove',
    name,
  )
}

const columns = (settings: RepositorySettings) => [
  settings.upstream,
  settings.identity,
  settings.knownHosts,
  settings.credential,
  settings.ca,
  settings.proxy,
  settings.forge,
  settings.apiUrl,
  settings.webUrl,
  settings.staleReads ? 1 : 0,
  JSON.stringify(settings.readRefs),
  settings.gitleaksConfig,
]
