import { z } from 'zod'
import type { Fetch } from '../contract/api.ts'
import { iso } from './time.ts'

/** Records that an agent fetched. */
export async function recordFetch(ledger: D1Database, fetch: Omit<Fetch, 'id' | 'at'>): Promise<void> {
  await ledger
    .prepare(
      'INSERT INTO fetches (at, repository, agent, token, client_address, client_version) VALUES (?, ?, ?, ?, ?, ?)',
    )
    .bind(Date.now(), fetch.repository, fetch.agent, fetch.token, fetch.clientAddress, fetch.clientVersion)
    .run()
}

const Row = z
  .object({
    id: z.number(),
    at: z.number(),
    repository: z.string(),
    agent: z.string(),
    token: z.string(),
    client_address: z.string(),
    client_version: z.string(),
  })
  .transform(
    ({ at, client_address, client_version, ...row }): Fetch => ({
      ...row,
      at: iso(at),
      clientAddress: client_address,
      clientVersion: client_version,
    }),
  )

/** Fetches, newest first, from before the one with the id `before`. */
export async function listFetches(
  ledger: D1Database,
  limit: number,
  before: number | undefined,
): Promise<Fetch[]> {
  const { results } = await ledger
    .prepare('SELECT * FROM fetches WHERE id < ? ORDER BY id DESC LIMIT ?')
    .bind(before ?? Number.MAX_SAFE_INTEGER, limit)
    .all()
  return z.array(Row).parse(results)
}
