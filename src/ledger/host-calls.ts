import { z } from 'zod'
import { HostCall, type HostCallQuery } from '../contract/admin-api/records.ts'
import type { HostCallResult } from '../contract/hosts/host-call.ts'
import { newId } from './id.ts'
import { filter, REPOSITORY_FILTER } from './pushes/filter.ts'
import { retrying } from './retry.ts'
import { iso, millis } from './time.ts'

/** Records a call before it is made. Returns its id. */
export async function openHostCall(
  db: D1Database,
  call: { repository: string; agent: string; tokenId: string; method: string },
): Promise<string> {
  const now = Date.now()
  const id = newId(now)
  const insert = db
    .prepare('INSERT INTO host_calls (id, at, repository, agent, token_id, method) VALUES (?, ?, ?, ?, ?, ?)')
    .bind(id, now, call.repository, call.agent, call.tokenId, call.method)
  await retrying(() => insert.run())
  return id
}

/** Records how a call ended. `status` is of the answer to the agent. */
export async function closeHostCall(
  db: D1Database,
  id: string,
  { operation, outcome, reason, status }: HostCallResult & { status: number },
): Promise<void> {
  const update = db
    .prepare(
      `UPDATE host_calls SET operation = ?1, outcome = ?2, reason = ?3, status = ?4, ms = ?5 - at
        WHERE id = ?6 AND outcome = 'open'`,
    )
    .bind(operation, outcome, reason, status, Date.now(), id)
  await retrying(() => update.run())
}

const Row = HostCall.omit({ tokenId: true })
  .extend({ at: z.number().transform(iso), token_id: z.string() })
  .transform(({ token_id, ...row }): HostCall => ({ ...row, tokenId: token_id }))

/** Returns calls, newest first; with `cursor`, only calls before this id. */
export async function listHostCalls(
  ledger: D1Database,
  { agent, repository, outcome, since, until, cursor, limit }: HostCallQuery,
): Promise<HostCall[]> {
  const { clause, values } = filter([
    ['agent = ?', agent],
    [REPOSITORY_FILTER, repository],
    ['outcome = ?', outcome],
    ['at >= ?', since === undefined ? undefined : millis(since)],
    ['at <= ?', until === undefined ? undefined : millis(until)],
    ['id < ?', cursor],
  ])
  const { results } = await ledger
    .prepare(`SELECT * FROM host_calls ${clause} ORDER BY id DESC LIMIT ?`)
    .bind(...values, limit)
    .all()
  return z.array(Row).parse(results)
}
