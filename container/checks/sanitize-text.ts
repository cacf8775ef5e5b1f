import { withoutTokens } from '../../src/contract/text/unscanned-text.ts'

/** Returns text for people: without control characters, tokens redacted, and no longer than `max` characters. */
export function sanitizeForAgent(text: string, max = 200): string {
  const plain = withoutTokens(text).replace(
    /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffd]/g,
    '?',
  )
  return plain.length <= max ? plain : `${plain.slice(0, max / 2 - 1)}…${plain.slice(-max / 2 + 1)}`
}
