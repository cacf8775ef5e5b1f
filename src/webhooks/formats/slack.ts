import type { Notice } from '../notice.ts'
import { codeSpan, isUrl, joinWithin, OPEN } from './text.ts'

/** The limit of a section's text (docs.slack.dev, section block). */
const MAX_TEXT = 3000

/** `<!channel>` mentions everyone and `<@U1>` a person, unless the bracket is escaped. */
const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const code = (text: string): string => escapeText(codeSpan(text))

/** Returns the body for an incoming webhook of Slack. */
export function slackBody({ title, repository, facts, page }: Notice): object {
  const link = isUrl(page) ? `<${escapeText(page).replaceAll('|', '%7C')}|${OPEN}>` : `${OPEN}: ${code(page)}`
  const lines = facts.map(({ label, text }) => `${label}: ${code(text)}`)
  const text = `${joinWithin(MAX_TEXT - link.length - 1, [`*${title}*`, ...lines])}\n${link}`
  return {
    text: `${title}: ${code(repository)}`,
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } }],
    unfurl_links: false,
    unfurl_media: false,
  }
}
