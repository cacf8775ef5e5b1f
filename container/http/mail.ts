import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { Mail } from '../../src/contract/mail.ts'
import { bodyText, json } from '../client/respond.ts'
import type { Companion } from '../companion.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'

/** Sends the e-mail in the body. Responds with the reason if the mail server does not have it. */
export async function deliverMail(
  { credentials }: Companion,
  { server, credential }: PassFor<'send-mail'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const mail = Mail.parse(JSON.parse((await bodyText(request, 200_000)) ?? ''))
  // Loaded with the first e-mail: most companions never send one.
  const { sendMail } = await import('../mail/send-mail.ts')
  try {
    const login = credential && { user: credential.user, password: await credentials.secretOf(credential) }
    json(response, 200, { problem: (await sendMail(server, login ?? undefined, mail)) ?? null })
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    json(response, 200, { problem: [error.problem, error.fix].filter(Boolean).join('; ') })
  }
}
