import { logFault } from '../common/log.ts'
import { settingsOf } from '../common/settings.ts'
import { findPush } from '../ledger/pushes/read-pushes.ts'
import {
  claimDeliveries,
  type Delivery,
  deleteDelivery,
  rescheduleDelivery,
  webhooksDue,
} from '../ledger/webhooks.ts'
import { bodyOf } from './body.ts'
import { sign, webhookSecret } from './signature.ts'

/**
 * The limit of concurrent deliveries per webhook. A Worker has six concurrent connections, and a webhook that
 * hangs must not hold all of them.
 */
const AT_ONCE = 2
/**
 * The time after which a sweep starts no further deliveries, in milliseconds. The next sweep starts after a
 * minute.
 */
const SWEEP_MS = 25_000
const ANSWER_MS = 10_000
/** The pause before each retry. A delivery fails for good after the last retry, a little more than a day. */
const RETRY_SECONDS = [10, 60, 300, 1800, 7200, 21_600, 57_600] as const

/**
 * Sends the due deliveries of all webhooks. Runs in the scheduled sweep, so that no push waits for a webhook.
 */
export async function deliverDue(env: Env): Promise<void> {
  const end = Date.now() + SWEEP_MS
  const webhooks = await webhooksDue(env.LEDGER)
  await Promise.all(webhooks.map(webhook => deliverTo(env, webhook, end)))
}

/** Sends the due deliveries of a webhook until a request gets no response. The next sweep sends the rest. */
async function deliverTo(env: Env, webhook: string, end: number): Promise<void> {
  let taken: Delivery[]
  let answers: boolean
  do {
    taken = await claimDeliveries(env.LEDGER, webhook, AT_ONCE, Date.now() + 2 * ANSWER_MS)
    const delivered = taken.map(delivery =>
      deliver(env, delivery).catch(error => {
        logFault({ push: delivery.push }, error)
        return true
      }),
    )
    answers = (await Promise.all(delivered)).every(Boolean)
  } while (taken.length === AT_ONCE && answers && Date.now() < end)
}

/**
 * Sends a delivery, then deletes or reschedules it. Returns whether the webhook responded, with any status.
 */
async function deliver(env: Env, delivery: Delivery): Promise<boolean> {
  const push = await findPush(env.LEDGER, delivery.push)
  const body = push && (await bodyOf(env, delivery, push))
  if (body === undefined) {
    await deleteDelivery(env.LEDGER, delivery.id)
    return true
  }
  const secret = await webhookSecret(delivery.webhook, settingsOf(env).GATE_PASS_KEY)
  const answer = await fetch(delivery.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'git-gate',
      ...(await sign(secret, `${delivery.webhook}-${delivery.push}`, Math.floor(Date.now() / 1000), body)),
    },
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(ANSWER_MS),
  })
    .then(async response => {
      await response.body?.cancel()
      return response.ok ? 'taken' : 'refused'
    })
    .catch(() => 'none' as const)
  const pause = RETRY_SECONDS[delivery.attempts - 1]
  if (answer === 'taken') await deleteDelivery(env.LEDGER, delivery.id)
  else if (pause !== undefined) await rescheduleDelivery(env.LEDGER, delivery.id, Date.now() + pause * 1000)
  else {
    const why = `webhook ${delivery.webhook} failed in ${delivery.attempts} attempts; the gate stops sending this event to it`
    logFault({ push: delivery.push }, new Error(why))
    await deleteDelivery(env.LEDGER, delivery.id)
  }
  return answer !== 'none'
}
