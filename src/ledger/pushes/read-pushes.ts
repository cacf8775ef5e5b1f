import { z } from 'zod'
import { Push, type PushQuery, type PushRecord } from '../../contract/admin-api/pushes.ts'
import { ApprovalRequest } from '../../contract/approval.ts'
import { PullRequest } from '../../contract/hosts/forge.ts'
import { DisconnectReason, Finding, PushedLfsObject, RefResult, StepTime } from '../../contract/outcome.ts'
import { json } from '../json-column.ts'
import { iso, millis } from '../time.ts'
import { filter, REPOSITORY_FILTER } from './filter.ts'
import { SEARCHED_PUSHES, searchCondition } from './search.ts'

const listed = {
  id: z.string(),
  repository: z.string(),
  agent: z.string(),
  outcome: Push.shape.outcome,
  started_at: z.number(),
  ms: z.number(),
  refs: json(z.array(RefResult)),
}
const ListedRow = z
  .object({ ...listed, findings: json(Push.shape.findings) })
  .transform(({ started_at, ...row }): Push => ({ ...row, startedAt: iso(started_at) }))

const RecordRow = z
  .object({
    ...listed,
    findings: json(z.array(Finding)),
    token_id: z.string(),
    step: z.string(),
    steps: json(z.array(StepTime)),
    exceptions_used: json(z.array(z.string())),
    upstream_output: z.string(),
    remote_lines: json(z.array(z.string())),
    client_address: z.string(),
    client_version: z.string(),
    disconnect_reason: DisconnectReason.nullable(),
    scanned_bytes: z.number(),
    pull_request: json(PullRequest).nullable(),
    lfs_objects: json(z.array(PushedLfsObject)),
    approval: json(ApprovalRequest).nullable(),
  })
  .transform(
    ({
      started_at,
      token_id,
      exceptions_used,
      upstream_output,
      remote_lines,
      disconnect_reason,
      client_address,
      client_version,
      scanned_bytes,
      pull_request,
      lfs_objects,
      ...row
    }): PushRecord => ({
      ...row,
      startedAt: iso(started_at),
      tokenId: token_id,
      exceptionsUsed: exceptions_used,
      upstreamOutput: upstream_output,
      remoteLines: remote_lines,
      disconnectReason: disconnect_reason,
      clientAddress: client_address,
      clientVersion: client_version,
      scannedBytes: scanned_bytes,
      pullRequest: pull_request,
      lfsObjects: lfs_objects,
    }),
  )

/**
 * The size at which a page of whole rows ends, in bytes. A push of thousands of refs takes more than 1 MB,
 * and an isolate has 128 MB of memory.
 */
const PAGE_BYTES = 4 << 20

/** Returns a page of pushes, newest first. `next` is the cursor of the next page, or null at the end. */
export async function listPushes(
  ledger: D1Database,
  query: PushQuery,
): Promise<{ pushes: Push[]; next: string | null }> {
  const { rows, next } = await selectPushes(ledger, Object.keys(ListedRow.in.shape), query, {
    bytes: PAGE_BYTES,
  })
  return { pushes: z.array(ListedRow).parse(rows), next }
}

/** Returns a page like listPushes, with the complete record of each push. */
export async function exportPushes(
  ledger: D1Database,
  query: PushQuery,
): Promise<{ pushes: PushRecord[]; next: string | null }> {
  const { rows, next } = await selectPushes(ledger, Object.keys(RecordRow.in.shape), query, {
    bytes: PAGE_BYTES,
  })
  return { pushes: z.array(RecordRow).parse(rows), next }
}

export async function findPush(ledger: D1Database, id: string): Promise<PushRecord | undefined> {
  const row = await ledger.prepare('SELECT * FROM pushes WHERE id = ?').bind(id).first()
  return row ? RecordRow.parse(row) : undefined
}

/** Returns the repository of a push, without the rest of the record, which may be large. */
export async function repositoryOfPush(ledger: D1Database, id: string): Promise<string | undefined> {
  const row = await ledger.prepare('SELECT repository FROM pushes WHERE id = ?').bind(id).first()
  return row ? z.object({ repository: z.string() }).parse(row).repository : undefined
}

/**
 * Selects columns of pushes, newest first. With `after`, only pushes with a later id. With `bytes`, ends the
 * page with the push at which the rows read reach that size. A search ends the page with the last push that it
 * reads.
 */
export async function selectPushes(
  ledger: D1Database,
  columns: readonly string[],
  query: PushQuery,
  { after, bytes = Number.MAX_SAFE_INTEGER }: { after?: string; bytes?: number } = {},
) {
  const { clause, values } = filter([
    [REPOSITORY_FILTER, query.repository],
    ['agent = ?', query.agent],
    ['outcome = ?', query.outcome],
    ['started_at >= ?', query.since === undefined ? undefined : millis(query.since)],
    ['started_at <= ?', query.until === undefined ? undefined : millis(query.until)],
    ['id < ?', query.cursor],
    ['id > ?', after],
  ])
  const search = query.search === undefined ? undefined : searchCondition(query.search, values.length + 1)
  const newest = `SELECT id FROM pushes ${clause} ORDER BY id DESC`
  // SQLite computes octet_length without reading the text.
  const [page, searched] = await ledger.batch([
    ledger
      .prepare(
        `WITH found AS (
           SELECT id, octet_length(refs) + octet_length(findings) + octet_length(remote_lines) + octet_length(upstream_output) AS size
             FROM pushes
             ${search ? `WHERE id IN (${newest} LIMIT ${SEARCHED_PUSHES}) AND (${search.condition})` : clause}
            ORDER BY id DESC LIMIT ?),
         page AS (
           SELECT id, sum(size) OVER (ORDER BY id DESC) - size AS before, count(*) OVER () AS found FROM found)
         SELECT ${columns.join(', ')}, page.found FROM page JOIN pushes USING (id)
          WHERE before < ? ORDER BY id DESC`,
      )
      .bind(...values, ...(search?.values ?? []), query.limit, bytes),
    ...(search ? [ledger.prepare(`${newest} LIMIT 1 OFFSET ${SEARCHED_PUSHES - 1}`).bind(...values)] : []),
  ])
  const rows = page?.results ?? []
  const last = z.object({ id: z.string(), found: z.number() }).optional().parse(rows.at(-1))
  const isWhole = last === undefined || (rows.length === last.found && last.found < query.limit)
  const lastSearched = z.object({ id: z.string() }).optional().parse(searched?.results[0])?.id ?? null
  return { rows, next: isWhole ? lastSearched : last.id }
}
