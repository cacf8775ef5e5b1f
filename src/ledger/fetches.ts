import { z } from 'zod'
import type { Fetch, FetchQuery } from '../contract/admin-api/records.ts'
import { filter, REPOSITORY_FILTER } from './pushes/filter.ts'
import { iso, millis } from './time.ts'

/**
 * A fetch consists of several requests in protocol v2, so requests within this time count as the same fetch.
 */
const SAME_FETCH_MS = 5_000

/** Records a fetch, unless the same token fetched from the repository within SAME_FETCH_MS. */
export async function recordFetch(ledger: D1Database, fetch: Omit<Fetch, 'id' | 'at'>): Promise<void> {
  const now = Date.now()
  await ledger
    .prepare(
      `INSERT INTO fetches (at, repository, agent, token_id, client_address, client_version)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS
         (SELECT 1 FROM fetches WHERE at > ?7 AND repository = ?2 AND token_id = ?4)`,
    )
    .bind(
      now,
      fetch.repository,
      fetch.agent,
      fetch.tokenId,
      fetch.clientAddress,
      fetch.clientVersion,
      now - SAME_FETCH_MS,
    )
    .run()
}

const Row = z
  .object({
    id: z.number(),
    at: z.number(),
    repository: z.string(),
    agent: z.string(),
    token_id: z.string(),
    client_address: z.string(),
    client_version: z.string(),
  })
  .transform(
    ({ at, token_id, client_address, client_version, ...row }): Fetch => ({
      ...row,
      at: iso(at),
      tokenId: token_id,
      clientAddress: client_address,
      clientVersion: client_version,
    }),
  )

/** Returns fetches, newest first; with `cursor`, only fetches before this id. */
export async function listFetches(
  ledger: D1Database,
  { agent, repository, since, until, cursor, limit }: FetchQuery,
): Promise<Fetch[]> {
  const { clause, values } = filter([
    ['agent = ?', agent],
    [REPOSITORY_FILTER, repository],
    ['at >= ?', since === undefined ? undefined : millis(since)],
    ['at <= ?', until === undefined ? undefined : millis(until)],
    ['id < ?', cursor === undefined ? undefined : Number(cursor)],
  ])
  const { results } = await ledger
    .prepare(`SELECT * FROM fetches ${clause} ORDER BY id DESC LIMIT ?`)
    .bind(...values, limit)
    .all()
  return z.array(Row).parse(results)
}
