export const REDACTED = '[redacted]'

/**
 * The prefixes and lengths of common services' tokens. Checks before the scan print names and paths without knowing the
 * secrets in them.
 */
const TOKEN_SHAPES =
  /(?<![A-Za-z0-9])(?:gh[pousr]_|github_pat_|glpat-|gl(?:dt|rt|cbt|ptt)-|npm_|pypi-|dop_v1_|xox[a-z]-|xapp-|hf_|[spr]k_(?:live|test)_|sk-(?:proj|ant|svcacct)-|SG\.|shp(?:at|ca|pa|ss)_|AIza|AKIA|ASIA|ABIA|ACCA|eyJ|gate_)(?=[A-Za-z_.=-]*\d)[A-Za-z0-9_.=-]{16,}/g

/** Replaces everything that looks like a token. */
export const redactTokens = (text: string): string => text.replace(TOKEN_SHAPES, REDACTED)

/** Returns text for people: without control characters, tokens redacted, and no longer than `max` characters. */
export function sanitizeForAgent(text: string, max = 200): string {
  const plain = redactTokens(text).replace(
    /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffd]/g,
    '?',
  )
  return plain.length <= max ? plain : `${plain.slice(0, max / 2 - 1)}…${plain.slice(-max / 2 + 1)}`
}
