import { z } from 'zod'
import { gathering } from '../../common/gather.ts'
import type { LfsTransfer, LfsTransferQuery } from '../../contract/admin-api/records.ts'
import type { LfsObject, LfsUploadResult } from '../../contract/lfs.ts'
import { Finding } from '../../contract/outcome.ts'
import { minIdAt, newId } from '../id.ts'
import { json } from '../json-column.ts'
import { filter, REPOSITORY_FILTER } from '../pushes/filter.ts'
import { retrying } from '../retry.ts'
import { iso } from '../time.ts'

/** The client of a transfer. */
export interface TransferClient {
  readonly repository: string
  readonly agent: string
  readonly tokenId: string
}

/** The most missing objects of a batch that are recorded: their ids are of the agent's choice. */
const MAX_MISSING = 10

/** For this time in milliseconds a download that was granted is not recorded again: its action may be used for as long. */
const SAME_GRANT_MS = 3_600_000

/** Records the downloads of one batch in one statement: whether each object was granted. */
export async function recordDownloads(
  db: D1Database,
  { repository, agent, tokenId }: TransferClient,
  objects: readonly (LfsObject & { isPresent: boolean })[],
): Promise<void> {
  const now = Date.now()
  const missing = objects.filter(({ isPresent }) => !isPresent).slice(0, MAX_MISSING)
  const granted = objects.filter(({ isPresent }) => isPresent)
  const rows = [...granted, ...missing].map(({ oid, size, isPresent }) => ({
    id: newId(now),
    oid,
    size,
    outcome: isPresent ? 'granted' : 'missing',
  }))
  const insert = db
    .prepare(
      `INSERT INTO transfers (id, at, repository, agent, token_id, operation, oid, size, outcome)
       SELECT value ->> 'id', ?2, ?3, ?4, ?5, 'download', value ->> 'oid', value ->> 'size', value ->> 'outcome'
         FROM json_each(?1)
        WHERE value ->> 'outcome' = 'missing' OR NOT EXISTS (
          SELECT 1 FROM transfers WHERE oid = value ->> 'oid' AND id > ?6 AND token_id = ?5 AND repository = ?3
             AND operation = 'download' AND outcome = 'granted')`,
    )
    .bind(JSON.stringify(rows), now, repository, agent, tokenId, minIdAt(now - SAME_GRANT_MS))
  await retrying(() => insert.run())
}

/** An upload that has ended. */
interface EndedUpload {
  readonly db: D1Database
  readonly client: TransferClient
  readonly object: LfsObject
  readonly result: LfsUploadResult
}

/** Records uploads in one statement. */
async function recordUploads(uploads: readonly EndedUpload[]): Promise<void> {
  const [first] = uploads
  if (!first) return
  const now = Date.now()
  const rows = uploads.map(({ client, object, result: { message, ...result } }) => ({
    ...client,
    ...object,
    ...result,
    reason: message.split('\n')[0] ?? '',
  }))
  const insert = first.db
    .prepare(
      `INSERT INTO transfers
         (id, at, repository, agent, token_id, operation, oid, size, outcome, reason, findings, exceptions_used, ms)
       SELECT value ->> 'id', ?2, value ->> 'repository', value ->> 'agent', value ->> 'tokenId', 'upload',
              value ->> 'oid', value ->> 'size', value ->> 'outcome', value ->> 'reason', value -> 'findings',
              value -> 'exceptionsUsed', value ->> 'ms'
         FROM json_each(?1) WHERE true ON CONFLICT (id) DO NOTHING`,
    )
    .bind(JSON.stringify(rows), now)
  await retrying(() => insert.run())
}

const recordTogether = gathering(recordUploads)

/**
 * Records an upload that has ended. Its answer and its verification may both report the end. Uploads without findings
 * that end at once share a statement.
 */
export const recordUpload = (
  upload: EndedUpload,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<void> =>
  upload.result.findings.length > 0 ? recordUploads([upload]) : recordTogether(upload, waitUntil)

const Row = z
  .object({
    id: z.string(),
    at: z.number(),
    repository: z.string(),
    agent: z.string(),
    token_id: z.string(),
    operation: z.enum(['upload', 'download']),
    oid: z.string(),
    size: z.number(),
    outcome: z.enum(['accepted', 'refused', 'failed', 'granted', 'missing']),
    reason: z.string(),
    findings: json(z.array(Finding)),
    exceptions_used: json(z.array(z.string())),
    ms: z.number(),
  })
  .transform(
    ({ at, token_id, exceptions_used, ...row }): LfsTransfer => ({
      ...row,
      at: iso(at),
      tokenId: token_id,
      exceptionsUsed: exceptions_used,
    }),
  )

/** Returns transfers, newest first; with `cursor`, only transfers before this id. */
export async function listTransfers(
  ledger: D1Database,
  { agent, repository, oid, outcome, cursor, limit }: LfsTransferQuery,
): Promise<LfsTransfer[]> {
  const { clause, values } = filter([
    ['agent = ?', agent],
    [REPOSITORY_FILTER, repository],
    ['oid = ?', oid],
    ['outcome = ?', outcome],
    ['id < ?', cursor],
  ])
  const { results } = await ledger
    .prepare(`SELECT * FROM transfers ${clause} ORDER BY id DESC LIMIT ?`)
    .bind(...values, limit)
    .all()
  return z.array(Row).parse(results)
}
