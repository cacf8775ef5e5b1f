import { z } from 'zod'
import type { NewWebhook, Webhook } from '../contract/api.ts'
import { type Operator, withAudit } from './audit-log.ts'
import { newId } from './id.ts'
import { iso } from './time.ts'

const Row = z
  .object({
    id: z.string(),
    url: z.string(),
    events: z.enum(['pushes', 'exceptions']),
    created_at: z.number(),
  })
  .transform(
    (row): Webhook => ({ id: row.id, url: row.url, events: row.events, createdAt: iso(row.created_at) }),
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
      .prepare('INSERT INTO webhooks (id, url, events, created_at) VALUES (?, ?, ?, ?)')
      .bind(id, wanted.url, wanted.events, createdAt),
    operator,
    'webhook.add',
    id,
    // A path or query may carry a key of the receiver's.
    { origin: new URL(wanted.url).origin, events: wanted.events },
  )
  return { ...wanted, id, createdAt: iso(createdAt) }
}

/** Removes a webhook with what it was still to be told; false when there is none. */
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
  push: z.string(),
  attempts: z.number(),
})
export type Delivery = z.infer<typeof Delivery>

/** The webhooks that have something to be told by now, by their ids. */
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

/** Takes due deliveries of a webhook, and puts each off until `again`: a sweep beside this one does not take it too. */
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
       RETURNING id, webhook, push, attempts, (SELECT url FROM webhooks WHERE webhooks.id = deliveries.webhook) AS url`,
    )
    .bind(again, webhook, Date.now(), limit)
    .all()
  return z.array(Delivery).parse(results)
}

/** A delivery that arrived, or that is given up. */
export async function deleteDelivery(ledger: D1Database, id: number): Promise<void> {
  await ledger.prepare('DELETE FROM deliveries WHERE id = ?').bind(id).run()
}

/** A delivery that did not arrive is tried again at `at` (Unix milliseconds). */
export async function rescheduleDelivery(ledger: D1Database, id: number, at: number): Promise<void> {
  await ledger.prepare('UPDATE deliveries SET due_at = ? WHERE id = ?').bind(at, id).run()
}
