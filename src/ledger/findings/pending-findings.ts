import { z } from 'zod'
import { RepositoryName } from '../../contract/names.ts'
import { Finding, RefResult } from '../../contract/outcome.ts'
import { compileGlob } from '../../contract/text/glob.ts'
import { json } from '../json-column.ts'
import { iso } from '../time.ts'

/** The age at which a refused finding stops being pending, in days. */
export const PENDING_DAYS = 30
/** The findings on a page, which keeps the console's page under 150 kB. */
const PAGE_SIZE = 30

const Row = z
  .object({
    repository: RepositoryName,
    agent: z.string(),
    push: z.string(),
    last_at: z.number(),
    pushes: z.number(),
    asking: z.number(),
    refs: json(z.array(RefResult)),
    finding: json(Finding),
  })
  .transform(({ last_at, refs, ...row }) => ({
    ...row,
    /** The refs of the last push. */
    refs: refs.map(({ ref }) => ref),
    lastAt: iso(last_at),
  }))
/** A finding, the last push that the gate refused because of it, and the number of these pushes. */
export type PendingFinding = z.output<typeof Row>

/**
 * The FROM and WHERE clauses of pending findings: without an exception in force or a decline, in a known
 * repository. The findings of a superseded push need no decision.
 */
const WAITING = `
    FROM pushes p
    JOIN json_each(p.findings) f
    JOIN repositories r ON r.name = p.repository
   WHERE p.outcome = 'refused' AND p.findings <> '[]' AND p.superseded = 0 AND p.started_at > ?1
     AND NOT EXISTS (
       SELECT 1 FROM exceptions e
        WHERE e.repository = p.repository AND e.fingerprint = f.value ->> 'fingerprint'
          AND e.revoked_at IS NULL AND (e.until IS NULL OR e.until > ?2))
     AND NOT EXISTS (
       SELECT 1 FROM declines d
        WHERE d.repository = p.repository AND d.fingerprint = f.value ->> 'fingerprint')`

const since = (now: number) => now - PENDING_DAYS * 86_400_000

/** The orders of the list: by push, the pushes first whose agent asks for an exception, then the newest. */
export const PendingOrder = z.enum(['push', 'rule', 'path'])
export type PendingOrder = z.infer<typeof PendingOrder>

type CursorColumn = 'asking' | 'push' | 'repository' | 'rule' | 'path' | 'fingerprint'
const ORDERS: Readonly<
  Record<PendingOrder, { columns: readonly CursorColumn[]; direction: 'ASC' | 'DESC' }>
> = {
  push: { columns: ['asking', 'push', 'fingerprint'], direction: 'DESC' },
  rule: { columns: ['rule', 'repository', 'path', 'fingerprint'], direction: 'ASC' },
  path: { columns: ['repository', 'path', 'rule', 'fingerprint'], direction: 'ASC' },
}

/** Returns the cursor of a finding in an order: the values that the order compares. */
const cursorOf = (order: PendingOrder, { finding, ...row }: PendingFinding): string =>
  JSON.stringify(
    ORDERS[order].columns.map(
      column =>
        ({ ...row, rule: finding.rule, path: finding.path, fingerprint: finding.fingerprint })[column],
    ),
  )

/** Returns the values of a cursor; undefined: it is none of this order. */
function parseCursor(order: PendingOrder, cursor: string | undefined): (string | number)[] | undefined {
  try {
    const values = z.array(z.union([z.string(), z.number()])).parse(JSON.parse(cursor ?? 'null'))
    return values.length === ORDERS[order].columns.length ? values : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns a page of pending findings after the cursor `after`; with `repository`, only its findings. `next` is the cursor
 * of the next page, or null at the end.
 */
export async function listPending(
  ledger: D1Database,
  after?: string,
  { order = 'push', repository }: { order?: PendingOrder; repository?: string | undefined } = {},
): Promise<{ waiting: PendingFinding[]; next: string | null }> {
  const now = Date.now()
  const { columns, direction } = ORDERS[order]
  const cursor = parseCursor(order, after)
  const numbers = columns.map((_, index) => `?${index + 5}`).join(', ')
  const isAfter = `(${columns.join(', ')}) ${direction === 'DESC' ? '<' : '>'} (${numbers})`
  // With a single max(), SQLite takes bare columns from the row with the maximum (SQLite, "Bare columns in an
  // aggregate query"). Ids sort by time, so max(p.id) is the newest push.
  const { results } = await ledger
    .prepare(
      `WITH waiting AS (
         SELECT r.name AS repository, p.agent, max(p.id) AS push, p.started_at AS last_at, p.refs,
                f.value AS finding, f.value ->> 'fingerprint' AS fingerprint, f.value ->> 'rule' AS rule,
                f.value ->> 'path' AS path, count(DISTINCT p.id) AS pushes,
                count(*) FILTER (WHERE f.value ->> 'asksForException') > 0 AS asks
         ${WAITING} AND (?4 IS NULL OR r.name = ?4)
         GROUP BY p.repository, f.value ->> 'fingerprint'),
       ordered AS (SELECT *, max(asks) OVER (PARTITION BY push) AS asking FROM waiting)
       SELECT * FROM ordered ${cursor ? `WHERE ${isAfter}` : ''}
        ORDER BY ${columns.map(column => `${column} ${direction}`).join(', ')} LIMIT ?3`,
    )
    .bind(since(now), now, PAGE_SIZE + 1, repository ?? null, ...(cursor ?? []))
    .all()
  const found = z.array(Row).parse(results)
  const waiting = found.slice(0, PAGE_SIZE)
  const last = found.length > PAGE_SIZE ? waiting.at(-1) : undefined
  return { waiting, next: last ? cursorOf(order, last) : null }
}

/** Returns the number of pending findings; with `repository`, of its own. */
export async function countPending(ledger: D1Database, repository?: string): Promise<number> {
  const now = Date.now()
  const row = await ledger
    .prepare(
      `SELECT count(*) AS waiting FROM (SELECT 1 ${WAITING} AND (?3 IS NULL OR r.name = ?3)
         GROUP BY p.repository, f.value ->> 'fingerprint')`,
    )
    .bind(since(now), now, repository ?? null)
    .first()
  return z.object({ waiting: z.number() }).parse(row).waiting
}

const OfAgent = z
  .object({ repository: RepositoryName, push: z.string(), last_at: z.number(), findings: z.number() })
  .transform(({ last_at, ...row }) => ({ ...row, lastAt: iso(last_at) }))
/** The number of pending findings of an agent in a repository, and the last push that the gate refused for them. */
export type PendingOfAgent = z.output<typeof OfAgent>

/** Counts an agent's pending findings by repository. */
export async function pendingOfAgent(ledger: D1Database, agent: string): Promise<PendingOfAgent[]> {
  const now = Date.now()
  const { results } = await ledger
    .prepare(
      `SELECT r.name AS repository, max(p.id) AS push, p.started_at AS last_at,
              count(DISTINCT f.value ->> 'fingerprint') AS findings
         ${WAITING} AND p.agent = ?3 GROUP BY p.repository ORDER BY push DESC`,
    )
    .bind(since(now), now, agent)
    .all()
  return z.array(OfAgent).parse(results)
}

/** Selects pending findings of a repository: those that fit every given part. */
export interface PendingSelection {
  readonly fingerprints?: readonly string[] | undefined
  readonly push?: string | undefined
  readonly rule?: string | undefined
  /** A glob over the findings' paths. */
  readonly path?: string | undefined
}

/** Returns the fingerprints of the selected pending findings. */
export async function selectPending(
  ledger: D1Database,
  repository: RepositoryName,
  { fingerprints, push, rule, path }: PendingSelection,
): Promise<string[]> {
  const now = Date.now()
  const { results } = await ledger
    .prepare(
      `SELECT DISTINCT f.value ->> 'fingerprint' AS fingerprint, f.value ->> 'path' AS path ${WAITING}
          AND p.repository = ?3 AND (?4 IS NULL OR p.id = ?4) AND (?5 IS NULL OR f.value ->> 'rule' = ?5)`,
    )
    .bind(since(now), now, repository, push ?? null, rule ?? null)
    .all()
  const found = z.array(z.object({ fingerprint: z.string(), path: z.string() })).parse(results)
  const glob = path === undefined ? undefined : compileGlob(path)
  const wanted = fingerprints && new Set(fingerprints)
  return [
    ...new Set(
      found
        .filter(each => (wanted?.has(each.fingerprint) ?? true) && (glob?.test(each.path) ?? true))
        .map(each => each.fingerprint),
    ),
  ]
}

/** Returns which of these fingerprints have an exception in force, and which were declined. */
export async function decisionsFor(
  ledger: D1Database,
  repository: string,
  fingerprints: readonly string[],
): Promise<{ excepted: Set<string>; declined: Set<string> }> {
  const FingerprintRows = z.array(z.object({ fingerprint: z.string() }).transform(row => row.fingerprint))
  const condition = 'fingerprint IN (SELECT value FROM json_each(?))'
  const [exceptions, declines] = await ledger.batch([
    ledger
      .prepare(
        `SELECT fingerprint FROM exceptions
         WHERE repository = ? AND ${condition} AND revoked_at IS NULL AND (until IS NULL OR until > ?)`,
      )
      .bind(repository, JSON.stringify(fingerprints), Date.now()),
    ledger
      .prepare(`SELECT fingerprint FROM declines WHERE repository = ? AND ${condition}`)
      .bind(repository, JSON.stringify(fingerprints)),
  ])
  return {
    excepted: new Set(FingerprintRows.parse(exceptions?.results)),
    declined: new Set(FingerprintRows.parse(declines?.results)),
  }
}
