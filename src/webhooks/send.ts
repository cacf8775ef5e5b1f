import { settingsOf } from '../common/settings.ts'
import type { Mail } from '../contract/mail.ts'
import type { Delivery } from '../ledger/webhooks.ts'
import type { Content } from './content.ts'
import { sign, webhookSecret } from './signature.ts'

/** The result of an attempt. `hasAnswered` is false if the receiver gave no answer at all. */
export type DeliveryResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly problem: string; readonly hasAnswered: boolean }

/** Sends an e-mail. Returns why it was not sent; rejects if there was no answer. The companion sends it. */
export type SendMail = (
  env: Env,
  mail: Pick<Mail, 'to' | 'subject' | 'text'> & { id: string },
) => Promise<string | undefined>

const ANSWER_TIMEOUT_MS = 10_000

/** Sends a delivery once. */
export async function send(
  env: Env,
  { webhook, push, url }: Delivery,
  content: Content,
  sendMail: SendMail,
): Promise<DeliveryResult> {
  const id = `${webhook}-${push}`
  try {
    const problem =
      'mail' in content
        ? await sendMail(env, { id, to: url.slice('mailto:'.length), ...content.mail })
        : await post(env, { webhook, id, url }, content.body)
    return problem === undefined ? { ok: true } : { ok: false, problem, hasAnswered: true }
  } catch {
    return { ok: false, problem: 'no answer', hasAnswered: false }
  }
}

/** Sends a request. Returns the status of an answer that is no success. */
async function post(
  env: Env,
  { webhook, id, url }: { webhook: string; id: string; url: string },
  body: string,
): Promise<string | undefined> {
  const secret = await webhookSecret(webhook, settingsOf(env).GATE_PASS_KEY)
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'git-gate',
      ...(await sign(secret, id, Math.floor(Date.now() / 1000), body)),
    },
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  })
  await response.body?.cancel()
  return response.ok ? undefined : `status ${response.status}`
}
