import { z } from 'zod'
import { settingsOf } from '../common/settings.ts'
import type { Mail } from '../contract/mail.ts'
import { findCredential } from '../ledger/access/credentials.ts'
import { newId } from '../ledger/id.ts'
import { askCompanion } from './ask-companion.ts'

/** Longer than the companion's own limit. */
const ANSWER_TIMEOUT_MS = 25_000

const Answer = z.object({ problem: z.string().nullable() })

/**
 * Sends an e-mail through the local companion, which holds the mail server's password. `id` is the same at each attempt.
 * Returns why the server does not have it; undefined: it has. Rejects if the companion gives no answer.
 */
export async function sendMail(
  env: Env,
  { id, ...mail }: Pick<Mail, 'to' | 'subject' | 'text'> & { id: string },
): Promise<string | undefined> {
  const settings = settingsOf(env)
  const { GATE_SMTP_URL: server, GATE_SMTP_FROM: from, GATE_SMTP_CREDENTIAL: name } = settings
  if (server === undefined || from === undefined) return 'this gate has no mail server (GATE_SMTP_URL)'
  const credential = name === undefined ? null : await findCredential(env.LEDGER, name)
  if (credential === undefined)
    return `there is no credential ${name}: git gate credential set ${name} --user USER`
  // Its secret is a private key, which goes to no server.
  if (credential?.app)
    return `the credential ${name} is of a GitHub App: name another in GATE_SMTP_CREDENTIAL`
  const messageId = `<${id}@${from.slice(from.lastIndexOf('@') + 1)}>`
  const answer = await askCompanion(
    env,
    '-',
    { service: 'send-mail', id: newId(), server: { ...server, ca: settings.GATE_SMTP_CA }, credential },
    {
      body: JSON.stringify({ ...mail, from, messageId } satisfies Mail),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    },
  )
  return Answer.parse(await answer.json()).problem ?? undefined
}
