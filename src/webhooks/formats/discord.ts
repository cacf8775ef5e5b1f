import type { Notice } from '../notice.ts'
import { codeSpan, isUrl, joinWithin, OPEN } from './text.ts'

/** The limit of an embed's description (Discord's API, embed limits). */
const MAX_TEXT = 4096

/** Returns the body for a webhook of Discord. No text of it mentions anyone. */
export function discordBody({ title, repository, facts, page }: Notice): object {
  const lines = facts.map(({ label, text }) => `${label}: ${codeSpan(text)}`)
  return {
    content: `**${title}**: ${codeSpan(repository)}`,
    embeds: [
      isUrl(page)
        ? { title: OPEN, url: page, description: joinWithin(MAX_TEXT, lines) }
        : { description: joinWithin(MAX_TEXT, [`${OPEN}: ${codeSpan(page)}`, ...lines]) },
    ],
    allowed_mentions: { parse: [] },
  }
}
