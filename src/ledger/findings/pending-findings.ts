import { z } from 'zod'
import { RepositoryName } from '../../contract/names.ts'
import { Finding } from '../../contract/outcome.ts'
import { json } from '../json-column.ts'
import { iso } from '../time.ts'

/** How far back a refused finding waits for a decision, in days. */
export const PENDING_DAYS = 30
/** So many of the findings that wait are listed at a time: a page of the console with them is under 150 kB. */
const PAGE = 40

const Row = z
  .object({
    repository: RepositoryName,
    agent: z.string(),
    push: z.string(),
    last_at: z.number(),
    pushes: z.number(),
    asks: z.number(),
    finding: json(Finding),
  })
  .transform(({ last_at, asks, ...row }) => ({
    ...row,
    lastAt: iso(last_at),
    /** Where it stands in the order of those that wait. */
    place: `${asks}.${row.push}.${row.finding.fingerprint}`,
  }))
/** A finding that refused a push, with the last push that it refused and how many it did. */
export type PendingFinding = z.output<typeof Row>

/** Neither excepted now nor declined, in a repository that is still there. */
const WAITING = `
    FROM pushes p
    JOIN json_each(p.findings) f
    JOIN repositories r ON r.name = p.repository
   WHERE p.outcome = 'refused' AND p.findings <> '[]' AND p.started_at > ?1
     AND NOT EXISTS (
       SELECT 1 FROM exceptions e
        WHERE e.repository = p.repository AND e.fingerprint = f.value ->> 'fingerprint'
          AND e.revoked_at IS NULL AND (e.until IS NULL OR e.until > ?2))
     AND NOT EXISTS (
       SELECT 1 FROM declines d
        WHERE d.repository = p.repository AND d.fingerprint = f.value ->> 'fingerprint')`

const since = (now: number) => now - PENDING_DAYS * 86_400_000

/**
 * A page of the findings that wait for a decision, from after the place `after`: those that ask for an exception
 * first, then the newest. `next` is the place that the page after it begins at, null at the end.
 */
export async function listPending(
  ledger: D1Database,
  after?: string,
): Promise<{ waiting: PendingFinding[]; next: string | null }> {
  const now = Date.now()
  const [, asks, push = null, fingerprint = null] = /^([01])\.([0-9a-z]+)\.(.+)$/s.exec(after ?? '') ?? []
  // Where max() is the only one of min() and max(), SQLite takes the bare columns from the row that has it. An id sorts
  // by its time.
  const { results } = await ledger
    .prepare(
      `WITH waiting AS (
         SELECT r.name AS repository, p.agent, max(p.id) AS push, p.started_at AS last_at,
                f.value AS finding, f.value ->> 'fingerprint' AS fingerprint, count(DISTINCT p.id) AS pushes,
                count(*) FILTER (WHERE f.value ->> 'asksForException') > 0 AS asks
         ${WAITING}
         GROUP BY p.repository, f.value ->> 'fingerprint')
       SELECT * FROM waiting WHERE ?3 IS NULL OR (asks, push, fingerprint) < (?3, ?4, ?5)
        ORDER BY asks DESC, push DESC, fingerprint DESC LIMIT ?6`,
    )
    .bind(since(now), now, asks === undefined ? null : Number(asks), push, fingerprint, PAGE + 1)
    .all()
  const found = z.array(Row).parse(results)
  const waiting = found.slice(0, PAGE)
  return { waiting, next: found.length > PAGE ? (waiting.at(-1)?.place ?? null) : null }
}

/** How many findings wait for a decision. */
export async function countPending(ledger: D1Database): Promise<number> {
  const now = Date.now()
  const row = await ledger
    .prepare(
      `SELECT count(*) AS waiting FROM (SELECT 1 ${WAITING} GROUP BY p.repository, f.value ->> 'fingerprint')`,
    )
    .bind(since(now), now)
    .first()
  return z.object({ waiting: z.number() }).parse(row).waiting
}

/** Which of these fingerprints of a repository may pass now, and which were declined. */
export async function decisionsFor(
  ledger: D1Database,
  repository: string,
  fingerprints: readonly string[],
): Promise<{ excepted: Set<string>; declined: Set<string> }> {
  const Print = z.array(z.object({ fingerprint: z.string() }).transform(row => row.fingerprint))
  const among = 'fingerprint IN (SELECT value FROM json_each(?))'
  const [exceptions, declines] = await ledger.batch([
    ledger
      .prepare(
        `SELECT fingerprint FROM exceptions
         WHERE repository = ? AND ${among} AND revoked_at IS NULL AND (until IS NULL OR until > ?)`,
      )
      .bind(repository, JSON.stringify(fingerprints), Date.now()),
    ledger
      .prepare(`SELECT fingerprint FROM declines WHERE repository = ? AND ${among}`)
      .bind(repository, JSON.stringify(fingerprints)),
  ])
  return {
    excepted: new Set(Print.parse(exceptions?.results)),
    declined: new Set(Print.parse(declines?.results)),
  }
}
