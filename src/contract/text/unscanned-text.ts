/** The replacement for redacted text. A ref name cannot contain it, since `[` is invalid in ref names. */
export const REDACTED = '[redacted]'

/**
 * Tokens of known services, by prefix and length. All but AWS key ids have a digit, which tells them from names.
 * The bounded lookahead keeps a search linear in the text.
 */
const TOKEN_SHAPES =
  /(?<![A-Za-z0-9])(?:(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])|(?:gh[pousr]_|github_pat_|glpat-|gl(?:dt|rt|cbt|ptt)-|npm_|pypi-|dop_v1_|xox[a-z]-|xapp-|hf_|[spr]k_(?:live|test)_|sk-(?:proj|ant|svcacct)-|SG\.|shp(?:at|ca|pa|ss)_|AIza|AKIA|ASIA|ABIA|ACCA|eyJ|gate_)(?=[A-Za-z_.=-]{0,200}\d)[A-Za-z0-9_.=-]{16,})/g

/** Redacts tokens of known services. */
export const withoutTokens = (text: string): string => text.replace(TOKEN_SHAPES, REDACTED)

/** The user name and password of a URL. */
const USER_INFO = /(?<=:\/\/)[^\s/@]{1,300}(?=@)/g
/** The value that follows a name such as `api_key=`. */
const ASSIGNED =
  /(?<![A-Za-z])((?:api|access|secret|private)?[_-]?(?:key|token|secret|password|passwd|passphrase|pwd|credentials?)['"]?\s{0,3}[=:]\s{0,3})[^\s/]{4,}/gi
/**
 * A run of characters that occur in tokens. A slash ends it, as it ends a component of a ref name or a path.
 */
const RUN = /[A-Za-z0-9+=_%.~-]{12,}/g
const UUID_LIKE = /[0-9a-f]{4,}(?:-[0-9a-f]{4,}){3,}/i

/**
 * Redacts likely secrets in text that an agent chose and gitleaks has not scanned: tokens of known services,
 * user information in URLs, values of names such as `api_key=`, and runs that are too random to be words.
 */
export const withoutLikelySecrets = (text: string): string =>
  withoutTokens(text)
    .replace(USER_INFO, REDACTED)
    .replace(ASSIGNED, `$1${REDACTED}`)
    .replace(RUN, run => (isRandom(run) ? REDACTED : run))

function isRandom(run: string): boolean {
  return UUID_LIKE.test(run) || isRandomMix(run) || run.split(/[^A-Za-z0-9]+/).some(isRandomWord)
}

/**
 * Returns whether the kind of character (lower, upper, digit) changes as often as in base64. In words it rarely
 * changes.
 */
function isRandomMix(run: string): boolean {
  const kinds = run
    .replace(/[^A-Za-z0-9]/g, '')
    .replace(/[a-z]/g, 'a')
    .replace(/[A-Z]/g, 'A')
    .replace(/\d/g, '0')
  const turns = kinds.match(/(.)(?!\1)(?=.)/g)?.length ?? 0
  return kinds.length >= 20 && turns / kinds.length >= 0.45
}

/**
 * Returns whether a word looks random: 12 characters or more with both cases and digits, 16 with letters and digits,
 * or 20 with more capitals than camel case or more entropy than a language has.
 */
function isRandomWord(word: string): boolean {
  const [hasDigit, hasLower, hasUpper] = [/\d/.test(word), /[a-z]/.test(word), /[A-Z]/.test(word)]
  if (hasDigit && hasLower && hasUpper) return word.length >= 12
  if (hasDigit && (hasLower || hasUpper)) return word.length >= 16
  if (word.length < 20) return false
  // In camel case a capital begins a word.
  if (hasLower && hasUpper) return word.replace(/[^A-Z]/g, '').length > word.length / 3.5
  return entropyOf(word.slice(0, 100)) >= 3.85
}

/** Returns the Shannon entropy of a word, in bits per character. */
function entropyOf(word: string): number {
  const counts = new Map<string, number>()
  for (const character of word) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / word.length) * Math.log2(count / word.length)
  return bits
}
