import { z } from 'zod'
import { Push, type PushQuery } from '../../contract/admin-api/pushes.ts'
import { RefResult } from '../../contract/outcome.ts'
import { json } from '../json-column.ts'
import { iso } from '../time.ts'
import { filter, REPOSITORY_FILTER } from './filter.ts'
import { selectPushes } from './read-pushes.ts'

const Place = Push.shape.findings.element.pick({ rule: true, path: true, line: true })

/** Reads only the first ref and the first finding: a push may have thousands. */
const COLUMNS = [
  'id',
  'repository',
  'agent',
  'outcome',
  'step',
  'started_at',
  'ms',
  "json_array_length(refs) AS ref_count, json_extract(refs, '$[0]') AS first_ref",
  "json_array_length(findings) AS finding_count, json_extract(findings, '$[0]') AS first_finding",
  "CASE outcome WHEN 'accepted' THEN NULL ELSE json_extract(remote_lines, '$[#-1]') END AS last_line",
]

const Row = z
  .object({
    id: z.string(),
    repository: z.string(),
    agent: z.string(),
    outcome: Push.shape.outcome,
    step: z.string(),
    started_at: z.number(),
    ms: z.number(),
    ref_count: z.number(),
    first_ref: json(RefResult).nullable(),
    finding_count: z.number(),
    first_finding: json(Place).nullable(),
    last_line: z.string().nullable(),
  })
  .transform(({ started_at, ref_count, first_ref, finding_count, first_finding, last_line, ...row }) => ({
    ...row,
    startedAt: iso(started_at),
    refCount: ref_count,
    firstRef: first_ref,
    findingCount: finding_count,
    firstFinding: first_finding,
    lastLine: last_line,
  }))
/** The summary of a push, for a list. */
export type PushRow = z.output<typeof Row>

/** Returns a page of pushes, newest first. `next` is the cursor of the next page, or null at the end. */
export async function listPushRows(
  ledger: D1Database,
  query: PushQuery,
): Promise<{ pushes: PushRow[]; next: string | null }> {
  const { rows, next } = await selectPushes(ledger, COLUMNS, query)
  return { pushes: z.array(Row).parse(rows), next }
}

/** Returns the pushes after the id `after` that match `query`, newest first. */
export async function newPushRows(ledger: D1Database, query: PushQuery, after: string): Promise<PushRow[]> {
  const { rows } = await selectPushes(ledger, COLUMNS, query, { after })
  return z.array(Row).parse(rows)
}

/** Returns the pushes with these ids; with `repository`, only its pushes. */
export async function pushRowsOf(
  ledger: D1Database,
  ids: readonly string[],
  repository: string | undefined,
): Promise<PushRow[]> {
  if (ids.length === 0) return []
  const { clause, values } = filter([
    ['id IN (SELECT value FROM json_each(?))', JSON.stringify(ids)],
    [REPOSITORY_FILTER, repository],
  ])
  const { results } = await ledger
    .prepare(`SELECT ${COLUMNS.join(', ')} FROM pushes ${clause}`)
    .bind(...values)
    .all()
  return z.array(Row).parse(results)
}
