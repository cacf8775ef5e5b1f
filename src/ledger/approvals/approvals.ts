import { z } from 'zod'
import type { Approval } from '../../contract/admin-api/approvals.ts'
import { ApprovalState, KnownApproval } from '../../contract/approval.ts'
import { RefResult } from '../../contract/outcome.ts'
import { type AuthenticatedOperator, type Operator, withAudit } from '../audit-log.ts'
import { newId } from '../id.ts'
import { json } from '../json-column.ts'
import { filter } from '../pushes/filter.ts'
import { iso, isoOrNull } from '../time.ts'

const Vote = z.object({ operator: z.string(), at: z.number().transform(iso) })

const Row = z
  .object({
    id: z.string(),
    repository: z.string(),
    agent: z.string(),
    state: ApprovalState,
    refs: json(z.array(RefResult)).nullable(),
    asks: json(z.array(z.string())),
    needed: z.number(),
    approved_by: json(z.array(Vote)),
    findings: z.number(),
    note: z.string(),
    answer: z.string(),
    created_at: z.number(),
    expires_at: z.number(),
    decided_at: z.number().nullable(),
    forward: z.string().nullable(),
  })
  .transform(
    ({ approved_by, created_at, expires_at, decided_at, ...row }): Approval => ({
      ...row,
      refs: (row.refs ?? []).map(({ ref, old, new: id }) => ({ ref, old, new: id })),
      findings: row.findings === 1,
      approvedBy: approved_by,
      createdAt: iso(created_at),
      expiresAt: iso(expires_at),
      decidedAt: isoOrNull(decided_at),
    }),
  )

/** The columns of an approval `a` for Row, at a time in Unix milliseconds. */
const columnsAt = (
  now: number,
) => `a.id, a.repository, a.agent, a.asks, a.needed, a.findings, a.note, a.answer, a.created_at, a.expires_at,
  a.decided_at, a.forward, iif(a.state = 'waiting' AND a.expires_at <= ${now}, 'expired', a.state) AS state,
  (SELECT refs FROM pushes p WHERE p.id = a.id) AS refs,
  (SELECT json_group_array(json_object('operator', operator, 'at', at))
     FROM (SELECT operator, at FROM approval_votes v WHERE v.approval = a.id ORDER BY at)) AS approved_by`

const PAGE_SIZE = 50

/** Returns a page of approvals, newest first. `next` is the cursor of the next page, or null at the end. */
export async function listApprovals(
  ledger: D1Database,
  query: {
    state?: ApprovalState | undefined
    /** Omits the approvals with this state. */
    except?: ApprovalState
    repository?: string | undefined
    agent?: string | undefined
    cursor?: string | undefined
  },
): Promise<{ approvals: Approval[]; next: string | null }> {
  const { clause, values } = filter([
    ['state = ?', query.state],
    ['state <> ?', query.except],
    ['repository = ?', query.repository],
    ['agent = ?', query.agent],
    ['id < ?', query.cursor],
  ])
  const { results } = await ledger
    .prepare(
      `SELECT * FROM (SELECT ${columnsAt(Date.now())} FROM approvals a) ${clause} ORDER BY id DESC LIMIT ${PAGE_SIZE + 1}`,
    )
    .bind(...values)
    .all()
  const found = z.array(Row).parse(results)
  const approvals = found.slice(0, PAGE_SIZE)
  return { approvals, next: found.length > PAGE_SIZE ? (approvals.at(-1)?.id ?? null) : null }
}

export async function findApproval(ledger: D1Database, id: string): Promise<Approval | undefined> {
  const row = await ledger
    .prepare(`SELECT ${columnsAt(Date.now())} FROM approvals a WHERE a.id = ?`)
    .bind(id)
    .first()
  return row ? Row.parse(row) : undefined
}

/** Returns the number of pushes that wait for an approval; of one repository or one agent, if it is given. */
export async function countWaiting(
  ledger: D1Database,
  { repository, agent }: { repository?: string | undefined; agent?: string | undefined } = {},
): Promise<number> {
  const row = await ledger
    .prepare(
      `SELECT count(*) AS waiting FROM approvals
        WHERE state = 'waiting' AND expires_at > ?1
          AND (?2 IS NULL OR repository = ?2) AND (?3 IS NULL OR agent = ?3)`,
    )
    .bind(Date.now(), repository ?? null, agent ?? null)
    .first()
  return z.object({ waiting: z.number() }).parse(row).waiting
}

/**
 * Records an operator's approval of a waiting push. Returns false if the push does not wait, or has the approval of this
 * person. The last approval that is needed opens the row of the forward (trigger approve_push).
 */
export function approve(ledger: D1Database, operator: AuthenticatedOperator, id: string): Promise<boolean> {
  const now = Date.now()
  return withAudit(
    ledger,
    ledger
      .prepare(
        `INSERT INTO approval_votes (approval, operator, person, at, forward)
           SELECT id, ?, ?, ?, ? FROM approvals WHERE id = ? AND state = 'waiting' AND expires_at > ?
         ON CONFLICT DO NOTHING`,
      )
      .bind(operator.name, operator.person, now, newId(now), id, now),
    operator,
    'approval.approve',
    id,
  )
}

/** Rejects a waiting push. Returns false if it does not wait. */
export function reject(ledger: D1Database, operator: Operator, id: string, reason: string): Promise<boolean> {
  return withAudit(
    ledger,
    ledger
      .prepare(
        "UPDATE approvals SET state = 'rejected', answer = ?, decided_at = ? WHERE id = ? AND state = 'waiting' AND expires_at > ?",
      )
      .bind(reason, Date.now(), id, Date.now()),
    operator,
    'approval.reject',
    id,
    { reason },
  )
}

/** Sets the agent's reason of a waiting push. Returns false if the agent has no such push that waits. */
export async function noteReason(
  ledger: D1Database,
  { agent, id, reason }: { agent: string; id: string; reason: string },
): Promise<boolean> {
  const { meta } = await ledger
    .prepare(
      "UPDATE approvals SET note = ? WHERE id = ? AND agent = ? AND state = 'waiting' AND expires_at > ?",
    )
    .bind(reason, id, agent, Date.now())
    .run()
  return meta.changes > 0
}

const KnownRow = KnownApproval.extend({ isKept: z.number().transform(isKept => isKept === 1) })

/** The limit of earlier pushes that a new push can be told of. They travel in a request header. */
const MAX_EARLIER_PUSHES = 20

/** Returns the agent's newest pushes in a repository that wait, are being forwarded, or were rejected. */
export async function knownApprovals(
  ledger: D1Database,
  { agent, repository }: { agent: string; repository: string },
): Promise<KnownApproval[]> {
  const { results } = await ledger
    .prepare(
      `SELECT id, change, state, substr(answer, 1, 500) AS answer, id IN (SELECT id FROM held_packs) AS isKept
         FROM approvals
        WHERE agent = ? AND repository = ? AND (state IN ('approved', 'rejected') OR state = 'waiting' AND expires_at > ?)
        ORDER BY id DESC LIMIT ${MAX_EARLIER_PUSHES}`,
    )
    .bind(agent, repository, Date.now())
    .all()
  return z.array(KnownRow).parse(results)
}

const Approved = z
  .object({
    id: z.string(),
    repository: z.string(),
    forward: z.string(),
    approvals: z.number(),
    outcome: z.string().nullable(),
  })
  .transform(({ outcome, forward, ...row }) => ({ ...row, forwardId: forward, isOpen: outcome === 'open' }))
/** An approved push that upstream does not have yet, and the push that forwards it. `isOpen`: that has no outcome. */
export type Approved = z.infer<typeof Approved>

const APPROVED = `SELECT a.id, a.repository, a.forward, p.outcome,
    (SELECT count(*) FROM approval_votes v WHERE v.approval = a.id) AS approvals
  FROM approvals a LEFT JOIN pushes p ON p.id = a.forward WHERE a.state = 'approved'`

export async function approvedPushes(ledger: D1Database): Promise<Approved[]> {
  const { results } = await ledger.prepare(`${APPROVED} ORDER BY random() LIMIT 50`).all()
  return z.array(Approved).parse(results)
}

export async function approvedPush(ledger: D1Database, id: string): Promise<Approved | undefined> {
  const row = await ledger.prepare(`${APPROVED} AND a.id = ?`).bind(id).first()
  return row ? Approved.parse(row) : undefined
}

/** Opens the row of another forward, after the last one has failed. Returns the approval with it. */
export async function openNextForward(
  ledger: D1Database,
  { id, forwardId }: Approved,
): Promise<Approved | undefined> {
  const now = Date.now()
  const next = newId(now)
  await ledger.batch([
    ledger
      .prepare(
        "UPDATE approvals SET forward = ?, attempts = attempts + 1 WHERE id = ? AND forward = ? AND state = 'approved'",
      )
      .bind(next, id, forwardId),
    ledger
      .prepare(
        `INSERT INTO pushes (id, repository, agent, token_id, started_at, client_version)
           SELECT a.forward, p.repository, p.agent, p.token_id, ?, 'approval of ' || a.id
             FROM approvals a JOIN pushes p ON p.id = a.id WHERE a.id = ? AND a.forward = ?`,
      )
      .bind(now, id, next),
  ])
  const approved = await approvedPush(ledger, id)
  return approved?.forwardId === next ? approved : undefined
}

/** Marks the waiting pushes whose time is over. */
export async function expireApprovals(ledger: D1Database): Promise<void> {
  const now = Date.now()
  await ledger
    .prepare(
      "UPDATE approvals SET state = 'expired', decided_at = expires_at WHERE state = 'waiting' AND expires_at <= ?",
    )
    .bind(now)
    .run()
}
