import { z } from 'zod'
import type { PullRequest } from '../../contract/hosts/forge.ts'
import { type PushReport, RefResult, type StepTime } from '../../contract/outcome.ts'
import { newId } from '../id.ts'
import { json } from '../json-column.ts'
import { retrying } from '../retry.ts'

/** A push as the Worker knows it before it calls the companion. */
export interface PushAttempt {
  readonly repository: string
  readonly agent: string
  readonly tokenId: string
  readonly clientAddress: string
  readonly clientVersion: string
}

/** Inserts the row of an open push, and returns its id. */
export async function openPush(db: D1Database, attempt: PushAttempt): Promise<string> {
  const now = Date.now()
  const id = newId(now)
  const insert = db
    .prepare(
      `INSERT INTO pushes (id, repository, agent, token_id, started_at, client_address, client_version)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    )
    .bind(
      id,
      attempt.repository,
      attempt.agent,
      attempt.tokenId,
      now,
      attempt.clientAddress,
      attempt.clientVersion,
    )
  await retrying(() => insert.run())
  return id
}

/** Deletes the row of an open push without refs: git's probe is not a push. */
export async function deleteProbe(db: D1Database, id: string): Promise<void> {
  const forget = db.prepare("DELETE FROM pushes WHERE id = ? AND outcome = 'open' AND refs = '[]'").bind(id)
  await retrying(() => forget.run())
}

/** Writes the companion's report into the row of an open push. A closed row stays unchanged. */
export async function recordReport(db: D1Database, report: PushReport): Promise<void> {
  const { id, outcome, step, ms, refs, findings, steps, exceptionsUsed, upstreamOutput, remoteLines } = report
  const { disconnectReason, scannedBytes, pullRequest, approval } = report
  const json = [refs, findings, steps, exceptionsUsed, report.lfsObjects].map(value => JSON.stringify(value))
  const update = db
    .prepare(
      `UPDATE pushes SET outcome = ?, step = ?, ms = ?, refs = ?, findings = ?, steps = ?, exceptions_used = ?,
       lfs_objects = ?, upstream_output = ?, remote_lines = ?, disconnect_reason = ?, scanned_bytes = ?, pull_request = ?,
       approval = ? WHERE id = ? AND outcome = 'open'`,
    )
    .bind(
      outcome,
      step,
      ms,
      ...json,
      upstreamOutput,
      JSON.stringify(remoteLines),
      disconnectReason,
      scannedBytes,
      pullRequest && JSON.stringify(pullRequest),
      approval && JSON.stringify(approval),
      id,
    )
  await retrying(() => update.run())
}

/** Writes the pull request of an accepted push, and the messages to the agent with it. */
export async function recordPullRequest(
  db: D1Database,
  id: string,
  { pullRequest, remoteLines }: { pullRequest: PullRequest | null; remoteLines: readonly string[] },
): Promise<void> {
  const update = db
    .prepare("UPDATE pushes SET pull_request = ?, remote_lines = ? WHERE id = ? AND outcome = 'accepted'")
    .bind(pullRequest && JSON.stringify(pullRequest), JSON.stringify(remoteLines), id)
  await retrying(() => update.run())
}

/** Writes the current step into the row of an open push. A closed row stays unchanged. */
export async function recordStep(
  db: D1Database,
  id: string,
  { step, ms, steps }: { step: string; ms: number; steps: readonly StepTime[] },
): Promise<void> {
  await db
    .prepare("UPDATE pushes SET step = ?, ms = ?, steps = ? WHERE id = ? AND outcome = 'open'")
    .bind(step, ms, JSON.stringify(steps), id)
    .run()
}

/** Closes an open push that has no report of the companion. A closed row stays unchanged. */
export async function closePush(
  db: D1Database,
  id: string,
  {
    outcome,
    refs,
    reason,
  }: { outcome: 'accepted' | 'refused' | 'failed'; refs: readonly RefResult[]; reason: string },
): Promise<void> {
  const update = db
    .prepare(
      "UPDATE pushes SET outcome = ?, refs = ?, ms = ? - started_at, remote_lines = ? WHERE id = ? AND outcome = 'open'",
    )
    .bind(outcome, JSON.stringify(refs), Date.now(), JSON.stringify([reason]), id)
  await retrying(() => update.run())
}

const OpenPush = z
  .object({
    id: z.string(),
    repository: z.string(),
    started_at: z.number(),
    refs: json(z.array(RefResult)),
  })
  .transform(({ started_at: startedAt, ...row }) => ({ ...row, startedAt }))
export type OpenPush = z.infer<typeof OpenPush>

/** The limit of open pushes per repository and sweep. */
const MAX_OPEN_PUSHES = 50

/**
 * Returns open pushes that began before `before` (Unix milliseconds), a random sample of each repository. A
 * fixed order would let pushes that cannot be closed yet starve the others. The forwards of approved pushes are left
 * out: `approvedPushes` has them.
 */
export async function openPushes(db: D1Database, before: number): Promise<OpenPush[]> {
  const { results } = await db
    .prepare(
      `SELECT id, repository, started_at, refs FROM
         (SELECT *, row_number() OVER (PARTITION BY repository ORDER BY random()) AS place
            FROM pushes WHERE outcome = 'open' AND started_at < ?
              AND id NOT IN (SELECT forward FROM approvals WHERE state = 'approved'))
        WHERE place <= ? ORDER BY place LIMIT ?`,
    )
    .bind(before, MAX_OPEN_PUSHES, 10 * MAX_OPEN_PUSHES)
    .all()
  return results.map(row => OpenPush.parse(row))
}
