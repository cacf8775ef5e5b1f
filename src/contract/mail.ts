import { z } from 'zod'

/** An e-mail address in ASCII, without quotes and comments: it cannot end a header or an SMTP command. */
export const EmailAddress = z.email('not an e-mail address').max(254)

/** The server that takes the gate's e-mail. Its password is the secret of a credential. */
export const MailServer = z.object({
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535),
  /** From the first byte, by STARTTLS before anything else, or none: on this machine only. */
  tls: z.enum(['implicit', 'starttls', 'none']),
  /** Certificates (PEM) of the authorities to trust; empty: those of the companion's system. */
  ca: z.string(),
})
export type MailServer = z.infer<typeof MailServer>

/** An e-mail of plain text. Its subject and text may come from a push, and are untrusted. */
export const Mail = z.object({
  from: EmailAddress,
  to: EmailAddress,
  subject: z.string().max(1_000),
  text: z.string().max(100_000),
  /** The same at each attempt, so that a receiver can drop a repetition. */
  messageId: z.string().regex(/^<[\w.-]+@[\w.-]+>$/),
})
export type Mail = z.infer<typeof Mail>
