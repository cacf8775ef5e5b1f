import { INVISIBLE } from '../../contract/text/invisible-characters.ts'

/** The limit of an untrusted text, in characters. */
const MAX_CHARACTERS = 200

/** Returns untrusted text as one visible line of bounded length. */
export function plainLine(text: string): string {
  // The first cut bounds the work. INVISIBLE matches the half of a surrogate pair that it may leave.
  const line = text
    .slice(0, 20 * MAX_CHARACTERS)
    .replace(/\s+/g, ' ')
    .replace(INVISIBLE, '')
    .trim()
  const characters = [...line]
  if (characters.length <= MAX_CHARACTERS) return line
  return `${characters.slice(0, MAX_CHARACTERS - 1).join('')}…`
}

/**
 * Returns untrusted text as a code span of Markdown. Inside of it Slack and Discord read no formatting, links,
 * emoji or mentions.
 */
export const codeSpan = (text: string): string => `\`${plainLine(text).replaceAll('`', "'") || '-'}\``

/** Joins the lines that fit into `limit` UTF-16 units. A line is never cut, so that no code span stays open. */
export function joinWithin(limit: number, lines: readonly string[]): string {
  const fitting: string[] = []
  let length = 0
  for (const line of lines) {
    length += line.length + 1
    if (length > limit) break
    fitting.push(line)
  }
  return fitting.join('\n')
}

/** Returns whether a notice's page is a URL. A path cannot be opened from a chat. */
export const isUrl = (page: string): boolean => /^https?:\/\//.test(page)

export const OPEN = 'Open in the console'
