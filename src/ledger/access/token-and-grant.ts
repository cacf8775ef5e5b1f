import { z } from 'zod'
import { Decline, Exception, Upstream } from '../../contract/companion-api/pass.ts'
import { HostCredential } from '../../contract/credential.ts'
import { GrantTerms } from '../../contract/grant.ts'
import { AgentName } from '../../contract/names.ts'
import { json } from '../json-column.ts'
import { retrying } from '../retry.ts'

/** A token in the ledger. Times are Unix milliseconds. */
export interface KnownToken {
  readonly id: string
  readonly agent: AgentName
  readonly hash: string
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  readonly lastUsedAt: number | null
}

/** An agent's access to a repository: its grant, and the settings that a pass carries. */
export interface Access {
  readonly repository: Upstream
  readonly terms: GrantTerms
  readonly exceptions: readonly Exception[]
  readonly declines: readonly Decline[]
  readonly gitleaksConfig: string
}

const Row = z.object({
  id: z.string(),
  agent: AgentName,
  hash: z.string(),
  expires_at: z.number().nullable(),
  revoked_at: z.number().nullable(),
  last_used_at: z.number().nullable(),
  is_for_another_agent: z.number(),
})
const GrantRow = z.object({
  name: z.string(),
  upstream: z.string(),
  identity: z.string().nullable(),
  known_hosts: z.string(),
  credential: json(HostCredential).nullable(),
  ca: z.string(),
  proxy: z.string(),
  forge: z.string().nullable(),
  api_url: z.string(),
  stale_reads: z.number(),
  read_refs: json(z.array(z.string())),
  gitleaks_config: z.string(),
  terms: json(GrantTerms),
  exceptions: json(z.array(Exception)),
  declines: json(z.array(Decline)),
})

/** The limit of declines in a pass, newest first: a pass travels in a request header. */
const MAX_DECLINES = 200

/** The columns of a repository `r` for GrantRow. The only parameter is the current time. */
const REPOSITORY_COLUMNS = `r.name, r.upstream, r.identity, r.known_hosts, r.ca, r.proxy, r.forge, r.api_url, r.stale_reads, r.read_refs,
  r.gitleaks_config,
  (SELECT json_object('name', c.name, 'user', c.user, 'app', json(c.app))
     FROM credentials c WHERE c.name = r.credential
  ) AS credential,
  (SELECT json_group_array(json_object('id', e.id, 'fingerprint', e.fingerprint, 'until', e.until))
     FROM exceptions e
    WHERE e.repository = r.name AND e.revoked_at IS NULL AND (e.until IS NULL OR e.until > ?)
  ) AS exceptions,
  (SELECT json_group_array(json_object('fingerprint', d.fingerprint, 'reason', substr(d.reason, 1, 200)))
     FROM (SELECT fingerprint, reason FROM declines
            WHERE repository = r.name ORDER BY created_at DESC LIMIT ${MAX_DECLINES}) d
  ) AS declines`

export interface AccessQuestion {
  readonly tokenId: string
  readonly repository: string
  readonly user: string
  readonly ignoresCase: boolean
}

export interface FoundAccess {
  readonly token: KnownToken
  readonly isForAnotherAgent: boolean
  readonly access?: Access
}

/**
 * Finds a token and its agent's access to a repository, in a single query per git request. Returns undefined
 * for an unknown token. Leaves `access` out for an unknown repository and for a missing grant alike.
 * `ignoresCase`: a name that differs by case alone is found; names are unique without it.
 * `isForAnotherAgent` says that the user name is the name of an agent that does not have the token.
 */
export async function findTokenAndGrant(
  db: D1Database,
  { tokenId, repository, user, ignoresCase }: AccessQuestion,
): Promise<FoundAccess | undefined> {
  const question = db
    .prepare(
      `SELECT t.id, t.agent, t.hash, t.expires_at, t.revoked_at, t.last_used_at, g.terms, ${REPOSITORY_COLUMNS},
           EXISTS (SELECT 1 FROM agents a WHERE a.name = ? AND a.name <> t.agent) AS is_for_another_agent
         FROM tokens t
         LEFT JOIN grants g ON g.agent = t.agent AND g.repository = ? COLLATE ${ignoresCase ? 'NOCASE' : 'BINARY'}
         LEFT JOIN repositories r ON r.name = g.repository
        WHERE t.id = ?`,
    )
    .bind(Date.now(), user, repository, tokenId)
  const row = await retrying(() => question.first())
  if (!row) return undefined
  const { id, agent, hash, expires_at, revoked_at, last_used_at, is_for_another_agent } = Row.parse(row)
  const token = { id, agent, hash, expiresAt: expires_at, revokedAt: revoked_at, lastUsedAt: last_used_at }
  const isForAnotherAgent = is_for_another_agent === 1
  return row.name === null
    ? { token, isForAnotherAgent }
    : { token, isForAnotherAgent, access: readAccess(row) }
}

/** Returns the access of an agent without a token (`git://`), or undefined if it has no grant. */
export async function findGrant(
  db: D1Database,
  agent: AgentName,
  repository: string,
): Promise<Access | undefined> {
  const question = db
    .prepare(
      `SELECT g.terms, ${REPOSITORY_COLUMNS}
         FROM grants g JOIN repositories r ON r.name = g.repository
        WHERE g.agent = ? AND g.repository = ? COLLATE BINARY`,
    )
    .bind(Date.now(), agent, repository)
  const row = await retrying(() => question.first())
  return row ? readAccess(row) : undefined
}

/** The current token and access of an open push. */
export interface OpenPushAccess {
  readonly agent: AgentName
  /** The id of the token that authenticated the push. */
  readonly tokenId: string
  /** Undefined if the agent no longer has the token. */
  readonly token?: Pick<KnownToken, 'expiresAt' | 'revokedAt'>
  readonly access?: Access
}

const OpenPushRow = z.object({
  agent: AgentName,
  token_id: z.string(),
  known_token: z.string().nullable(),
  expires_at: z.number().nullable(),
  revoked_at: z.number().nullable(),
})

/** Returns the current token, grant and exceptions of a push, or undefined if the push is not open. */
export async function accessOfPush(db: D1Database, push: string): Promise<OpenPushAccess | undefined> {
  const row = await db
    .prepare(
      `SELECT p.agent, p.token_id, t.id AS known_token, t.expires_at, t.revoked_at, g.terms, ${REPOSITORY_COLUMNS}
         FROM pushes p
         LEFT JOIN tokens t ON t.id = p.token_id AND t.agent = p.agent
         LEFT JOIN grants g ON g.agent = p.agent AND g.repository = p.repository COLLATE BINARY
         LEFT JOIN repositories r ON r.name = g.repository
        WHERE p.id = ? AND p.outcome = 'open'`,
    )
    .bind(Date.now(), push)
    .first()
  if (!row) return undefined
  const { agent, token_id, known_token, expires_at, revoked_at } = OpenPushRow.parse(row)
  return {
    agent,
    tokenId: token_id,
    ...(known_token === null ? {} : { token: { expiresAt: expires_at, revokedAt: revoked_at } }),
    ...(row.name === null ? {} : { access: readAccess(row) }),
  }
}

function readAccess(row: unknown): Access {
  const { upstream, known_hosts, api_url, stale_reads, read_refs, gitleaks_config, ...rest } =
    GrantRow.parse(row)
  const { terms, exceptions, declines, ...columns } = rest
  return {
    repository: Upstream.parse({
      ...columns,
      url: upstream,
      apiUrl: api_url,
      knownHosts: known_hosts,
      staleReads: stale_reads === 1,
      readRefs: read_refs,
    }),
    terms,
    exceptions,
    declines,
    gitleaksConfig: gitleaks_config,
  }
}

/** Records the use of a token, once a minute at most, so that few requests write to D1. */
export async function touchToken(db: D1Database, token: KnownToken): Promise<void> {
  const now = Date.now()
  if (token.lastUsedAt !== null && now - token.lastUsedAt < 60_000) return
  await db.prepare('UPDATE tokens SET last_used_at = ? WHERE id = ?').bind(now, token.id).run()
}
