import { logError } from '../common/log.ts'
import { findPush } from '../ledger/pushes/read-pushes.ts'
import {
  claimDeliveries,
  type Delivery,
  deleteDelivery,
  recordAttempt,
  rescheduleDelivery,
  webhooksDue,
} from '../ledger/webhooks.ts'
import { contentOf } from './content.ts'
import { plainLine } from './formats/text.ts'
import { type SendMail, send } from './send.ts'

/**
 * The limit of concurrent deliveries per webhook. A Worker has six concurrent connections, and a webhook that
 * hangs must not hold all of them.
 */
const MAX_CONCURRENT = 2
/**
 * The time after which a sweep starts no further deliveries, in milliseconds. The next sweep starts after a
 * minute.
 */
const SWEEP_MS = 25_000
/** The time after which another sweep takes a delivery, in milliseconds: longer than any attempt. */
const LEASE_MS = 60_000
/** The pause before each retry. A delivery fails for good after the last retry, a little more than a day. */
const RETRY_SECONDS = [10, 60, 300, 1800, 7200, 21_600, 57_600] as const

/**
 * Sends the due deliveries of all webhooks. Runs in the scheduled sweep, so that no push waits for a webhook.
 */
export async function deliverDue(env: Env, sendMail: SendMail): Promise<void> {
  const end = Date.now() + SWEEP_MS
  const webhooks = await webhooksDue(env.LEDGER)
  await Promise.all(webhooks.map(webhook => deliverTo(env, webhook, end, sendMail)))
}

/** Sends the due deliveries of a webhook until a request gets no response. The next sweep sends the rest. */
async function deliverTo(env: Env, webhook: string, end: number, sendMail: SendMail): Promise<void> {
  let claimed: Delivery[]
  let answers: boolean
  do {
    claimed = await claimDeliveries(env.LEDGER, webhook, MAX_CONCURRENT, Date.now() + LEASE_MS)
    const delivered = claimed.map(delivery =>
      deliver(env, delivery, sendMail).catch(error => {
        logError({ push: delivery.push }, error)
        return true
      }),
    )
    answers = (await Promise.all(delivered)).every(Boolean)
  } while (claimed.length === MAX_CONCURRENT && answers && Date.now() < end)
}

/**
 * Sends a delivery, then deletes or reschedules it, and records the result with its webhook. Returns whether the
 * receiver gave an answer.
 */
async function deliver(env: Env, delivery: Delivery, sendMail: SendMail): Promise<boolean> {
  const push = await findPush(env.LEDGER, delivery.push)
  const content = push && (await contentOf(env, delivery, push))
  if (content === undefined) {
    await deleteDelivery(env.LEDGER, delivery.id)
    return true
  }
  const sent = await send(env, delivery, content, sendMail)
  await recordAttempt(env.LEDGER, delivery.webhook, sent.ok ? null : plainLine(sent.problem))
  const pause = RETRY_SECONDS[delivery.attempts - 1]
  if (sent.ok) await deleteDelivery(env.LEDGER, delivery.id)
  else if (pause !== undefined) await rescheduleDelivery(env.LEDGER, delivery.id, Date.now() + pause * 1000)
  else {
    const reason = `webhook ${delivery.webhook} failed in ${delivery.attempts} attempts; the gate stops sending this event to it`
    logError({ push: delivery.push }, new Error(reason))
    await deleteDelivery(env.LEDGER, delivery.id)
  }
  return sent.ok || sent.hasAnswered
}
