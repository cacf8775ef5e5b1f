import { z } from 'zod'
import { isLoopback } from '../contract/credential.ts'
import type { MailServer } from '../contract/mail.ts'

/** The ports of submission with implicit TLS and with STARTTLS (RFC 8314, RFC 6409). */
const PORTS = { 'smtps:': 465, 'smtp:': 587 } as const

/** Parses the URL of a mail server. Only on this machine does a connection go without TLS. */
export const MailServerUrl = z.string().transform((text, context): Omit<MailServer, 'ca'> => {
  const url = URL.parse(text)
  const { protocol, hostname, port, pathname, search, hash, username, password } = url ?? {}
  const isBare =
    [search, hash, username, password].every(part => part === '') && /^\/?$/.test(pathname ?? '-')
  if (!hostname || !isBare || (protocol !== 'smtps:' && protocol !== 'smtp:')) {
    context.addIssue(
      'must be smtps://HOST[:PORT] or smtp://HOST[:PORT]; GATE_SMTP_CREDENTIAL holds the login',
    )
    return z.NEVER
  }
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port ? Number(port) : PORTS[protocol],
    tls: protocol === 'smtps:' ? 'implicit' : isLoopback(hostname) ? 'none' : 'starttls',
  }
})
