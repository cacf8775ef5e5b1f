import { z } from 'zod'
import { RepositoryName } from '../contract/names.ts'
import { Finding } from '../contract/outcome.ts'
import { json } from './json.ts'
import { iso } from './time.ts'

/** How far back a refused finding waits for a decision, in days. */
export const WAITING_DAYS = 30
/** The most findings that are shown as waiting. */
const MOST = 200

const Row = z
  .object({
    repository: RepositoryName,
    agent: z.string(),
    push: z.string(),
    last_at: z.number(),
    pushes: z.number(),
    finding: json(Finding),
  })
  .transform(({ last_at, ...row }) => ({ ...row, lastAt: iso(last_at) }))
/** A finding that refused a push, with the last push that it refused and how many it did. */
export type WaitingFinding = z.output<typeof Row>

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

const since = (now: number) => now - WAITING_DAYS * 86_400_000

/** The findings that wait for a decision: those that ask for an exception first, then the newest. */
export async function listWaiting(ledger: D1Database): Promise<WaitingFinding[]> {
  const now = Date.now()
  // SQLite takes the other columns from the row that has the max().
  const { results } = await ledger
    .prepare(
      `SELECT r.name AS repository, p.agent, p.id AS push, f.value AS finding,
              max(p.started_at) AS last_at, count(DISTINCT p.id) AS pushes
       ${WAITING}
       GROUP BY p.repository, f.value ->> 'fingerprint'
       ORDER BY max(f.value ->> 'asksForException') DESC, last_at DESC LIMIT ?3`,
    )
    .bind(since(now), now, MOST)
    .all()
  return z.array(Row).parse(results)
}

/** How many findings wait for a decision. */
export async function countWaiting(ledger: D1Database): Promise<number> {
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
export async function decisionsOn(
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
