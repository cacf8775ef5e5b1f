import nodemailer from 'nodemailer'
import type { Mail, MailServer } from '../../src/contract/mail.ts'

/** The user name and the password for a mail server. */
export interface MailLogin {
  readonly user: string
  readonly password: string
}

/** The limit of a whole delivery, in milliseconds. Servers delay their greeting, against senders of spam. */
const DELIVERY_MS = 20_000

const MAX_CHARACTERS = 500

/** Sends an e-mail over SMTP. Returns why the server does not have it; undefined if the server has taken it. */
export async function sendMail(
  server: MailServer,
  login: MailLogin | undefined,
  { from, to, subject, text, messageId }: Mail,
  deliveryMs = DELIVERY_MS,
): Promise<string | undefined> {
  const { host, port, tls, ca } = server
  const transport = nodemailer.createTransport({
    host,
    port,
    secure: tls === 'implicit',
    // Without either, nodemailer goes on in clear text where a server offers no STARTTLS.
    ...(tls === 'none' ? { ignoreTLS: true, allowInternalNetworkInterfaces: true } : { requireTLS: true }),
    ...(ca === '' ? {} : { tls: { ca } }),
    ...(login ? { auth: { user: login.user, pass: login.password } } : {}),
    // No text of a message is a file or a URL to read.
    disableFileAccess: true,
    disableUrlAccess: true,
    socketCloseTimeout: 0,
  })
  const signal = AbortSignal.timeout(deliveryMs)
  try {
    await transport.sendMail({
      from,
      to,
      subject,
      text,
      messageId,
      signal,
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    return undefined
  } catch (error) {
    const reason = signal.aborted ? `no answer within ${deliveryMs / 1000} s` : String(error)
    return `${host}: ${withoutPassword(reason, login)}`.slice(0, MAX_CHARACTERS)
  }
}

/** A server may repeat in its answer what it was sent: the password, as it is or in base64 (RFC 4954). */
function withoutPassword(text: string, login: MailLogin | undefined): string {
  if (!login) return text
  const { user, password } = login
  const sent = [password, ...[password, `\0${user}\0${password}`].map(each => btoa(utf8(each)))]
  return sent.reduce((rest, each) => rest.replaceAll(each, '***'), text)
}

const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')
