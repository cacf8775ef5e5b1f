import type { Notice } from '../notice.ts'
import { isUrl, OPEN, plainLine } from './text.ts'

/** The subject and the plain text of an e-mail. */
export interface MailText {
  readonly subject: string
  readonly text: string
}

/** A mail program makes a link of each URL that it finds. The page of the notice is to be the only one. */
const withoutUrls = (text: string): string => plainLine(text).replaceAll('://', ': //')

/** Returns the e-mail about a notice. Untrusted text stays on its line. */
export function emailText({ title, repository, facts, page }: Notice): MailText {
  return {
    subject: `git-gate: ${title}: ${plainLine(repository)}`,
    text: [
      `${title}.`,
      '',
      ...facts.map(({ label, text }) => `${label}: ${withoutUrls(text)}`),
      '',
      isUrl(page) ? page : `${OPEN}: ${page}`,
      '',
    ].join('\n'),
  }
}
