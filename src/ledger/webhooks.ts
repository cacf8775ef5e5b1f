import { z } from 'zod'
import { type NewWebhook, Webhook } from '../contract/admin-api/webhooks.ts'
import { type Operator, withAudit } from './audit-log.ts'
import { newId } from './id.ts'
import { iso } from './time.ts'

const Row = z
  .object({
    id: z.string(),
    url: z.string(),
    events: Webhook.shape.events,
    format: Webhook.shape.format,
    created_at: z.number(),
    problem: z.string().nullable(),
    failed_at: z.number().nullable(),
  })
  .transform(
    ({ created_at, problem, failed_at, ...row }): Webhook => ({
      ...row,
      createdAt: iso(created_at),
      problem: problem === null ? null : { text: problem, at: iso(failed_at ?? 0) },
    }),
  )

export async function listWebhooks(ledger: D1Database): Promise<Webhook[]> {
  return z
    .array(Row)
    .parse((await ledger.prepare('SELECT * FROM webhooks ORDER BY created_at').all()).results)
}

export async function findWebhook(ledger: D1Database, id: string): Promise<Webhook | undefined> {
  const row = await ledger.prepare('SELECT * FROM webhooks WHERE id = ?').bind(id).first()
  return row ? Row.parse(row) : undefined
}

export async function addWebhook(
  ledger: D1Database,
  operator: Operator,
  wanted: NewWebhook,
): Promise<Webhook> {
  const id = newId()
  const createdAt = Date.now()
  await withAudit(
    ledger,
    ledger
      .prepare('INSERT INTO webhooks (id, url, events, format, created_at) VALUES (?, ?, ?, ?, ?)')
      .bind(id, wanted.url, wanted.events, wanted.format, createdAt),
    operator,
    'webhook.add',
    id,
    // The path or query may carry a secret of the receiver.
    {
      to: wanted.format === 'email' ? wanted.url : new URL(wanted.url).origin,
      events: wanted.events,
      format: wanted.format,
    },
  )
  return { ...wanted, id, createdAt: iso(createdAt), problem: null }
}

/** Removes a webhook with its pending deliveries. Returns false if it is unknown. */
export function removeWebhook(ledger: D1Database, operator: Operator, id: string): Promise<boolean> {
  return withAudit(
    ledger,
    ledger.prepare('DELETE FROM webhooks WHERE id = ?').bind(id),
    operator,
    'webhook.remove',
    id,
  )
}

const Delivery = z.object({
  id: z.number(),
  webhook: z.string(),
  url: z.string(),
  format: Webhook.shape.format,
  push: z.string(),
  attempts: z.number(),
})
export type Delivery = z.infer<typeof Delivery>

/** Returns the ids of the webhooks with due deliveries. */
export async function webhooksDue(ledger: D1Database): Promise<string[]> {
  const { results } = await ledger
    .prepare('SELECT DISTINCT webhook FROM deliveries WHERE due_at <= ?')
    .bind(Date.now())
    .all()
  return z
    .array(z.object({ webhook: z.string() }))
    .parse(results)
    .map(({ webhook }) => webhook)
}

/**
 * Claims due deliveries of a webhook. Postpones them to `again` (Unix milliseconds), a lease against other
 * sweeps.
 */
export async function claimDeliveries(
  ledger: D1Database,
  webhook: string,
  limit: number,
  again: number,
): Promise<Delivery[]> {
  const { results } = await ledger
    .prepare(
      `UPDATE deliveries SET attempts = attempts + 1, due_at = ?
       WHERE id IN (SELECT id FROM deliveries WHERE webhook = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?)
       RETURNING id, webhook, push, attempts,
         (SELECT url FROM webhooks WHERE webhooks.id = deliveries.webhook) AS url,
         (SELECT format FROM webhooks WHERE webhooks.id = deliveries.webhook) AS format`,
    )
    .bind(again, webhook, Date.now(), limit)
    .all()
  return z.array(Delivery).parse(results)
}

/** Deletes a delivery that succeeded or exhausted its retries. */
export async function deleteDelivery(ledger: D1Database, id: number): Promise<void> {
  await ledger.prepare('DELETE FROM deliveries WHERE id = ?').bind(id).run()
}

/** Schedules the retry of a failed delivery at `at` (Unix milliseconds). */
export async function rescheduleDelivery(ledger: D1Database, id: number, at: number): Promise<void> {
  await ledger.prepare('UPDATE deliveries SET due_at = ? WHERE id = ?').bind(at, id).run()
}

/** Records why the last attempt of a webhook failed; null: it succeeded. */
export async function recordAttempt(ledger: D1Database, id: string, problem: string | null): Promise<void> {
  await ledger
    .prepare(
      'UPDATE webhooks SET problem = ?1, failed_at = ?2 WHERE id = ?3 AND (?1 IS NOT NULL OR problem IS NOT NULL)',
    )
    .bind(problem, problem === null ? null : Date.now(), id)
    .run()
}

/** The time within which a chat service is told of the same thing once, in milliseconds. */
const SAME_NOTICE_MS = 3_600_000

/**
 * Claims a notice for a delivery and its retries. Returns false if another delivery to the webhook has claimed it
 * within SAME_NOTICE_MS.
 */
export async function claimNotice(
  ledger: D1Database,
  { id, webhook }: Delivery,
  hash: string,
): Promise<boolean> {
  const now = Date.now()
  const { meta } = await ledger
    .prepare(
      `INSERT INTO notices (webhook, hash, delivery, at) VALUES (?, ?, ?, ?)
       ON CONFLICT (webhook, hash) DO UPDATE SET delivery = excluded.delivery, at = excluded.at
         WHERE delivery = excluded.delivery OR at <= ?`,
    )
    .bind(webhook, hash, id, now, now - SAME_NOTICE_MS)
    .run()
  return meta.changes > 0
}

/** Returns the statement that deletes notices which suppress no other any more. */
export const deleteNotices = (ledger: D1Database): D1PreparedStatement =>
  ledger.prepare('DELETE FROM notices WHERE at <= ?').bind(Date.now() - SAME_NOTICE_MS)
