/**
 * Words that stand in values which are no secrets. A value is judged by the rest of it, so that no word hides a random
 * secret beside it.
 */
const WORDS =
  /your|y0ur|placeholder|changeme|change[_-]?(?:me|it|this)|replace|example|sample|dummy|fake|test(?:ing)?|demo|default|insert|todo|here|enter|redacted|hidden|masked|secret|token|api|key|passw(?:or)?d|passwd|pass(?:phrase)?|pwd|access|auth|bearer|basic|user(?:name)?|admin|root|login|client|private|public|credentials?|value|string|some|none|null|undefined|true|false|foo|bar|baz|qux|hello|world|other|another|wrong|invalid|lorem|ipsum|letmein|welcome|hunter|secure|strong|jwt|random|characters?|length|long|clear|text|plain|correct|horse|battery|staple|super|this|abcdef|qwerty|asdf|postgres(?:ql)?|mysql|mongo(?:db)?|redis|rabbitmq|guest|docker|local(?:host)?|dev(?:elopment)?|prod(?:uction)?|staging|github|gitlab|google|firebase|supabase|openai|anthropic|stripe|slack|aws|azure|cloudflare|base(?:16|32|58|64|85)|sha[-_]?(?:1|224|256|384|512)|utf[-_]?(?:8|16)|ipv[46]|oauth2|x509/gi

/** Runs of one repeated piece, and words of hex digits. */
const REPEATS = /(.{1,4}?)\1{3,}|(?:dead|beef|cafe|babe|f00d|feed|face|c0de){2,}/gi

/** The fewest characters that count up or down. */
const MIN_COUNTING = 3

/** Removes runs of repeated, and of counting, characters: `xxxx`, `123`, `defg`, `90123`. */
function withoutRuns(value: string): string {
  const text = value.replace(REPEATS, ' ')
  let rest = ''
  for (let from = 0; from < text.length; ) {
    const end = Math.max(countingEnd(text, from, 1), countingEnd(text, from, -1))
    rest += end - from >= MIN_COUNTING ? ' ' : text.charAt(from)
    from = end - from >= MIN_COUNTING ? end : from + 1
  }
  return rest
}

/** Returns where the characters from `from` on stop counting by `step`. A nine is followed by a zero. */
function countingEnd(text: string, from: number, step: 1 | -1): number {
  let end = from + 1
  for (; end < text.length; end++) {
    const [last, next] = [text.charCodeAt(end - 1), text.charCodeAt(end)]
    const wraps = step === 1 ? last === 0x39 && next === 0x30 : last === 0x30 && next === 0x39
    if (!wraps && (next - last !== step || !/[A-Za-z0-9]/.test(text.charAt(end)))) break
  }
  return end
}

/** Letters that are written as digits or signs in passwords. */
const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
}

const unleet = (text: string) => text.replace(/[013457@$]/g, sign => LEET[sign] ?? sign)

/** Returns the rest of a value, without runs and without words, with digits read as letters too. */
function withoutWords(value: string): string {
  const rest = withoutRuns(value).replace(WORDS, ' ')
  let words = ''
  // A word in leet letters is cut out of the value at its own place.
  const plain = unleet(rest)
  let from = 0
  for (const { index, 0: word } of plain.matchAll(WORDS)) {
    words += `${rest.slice(from, index)} `
    from = index + word.length
  }
  return words + rest.slice(from)
}

/** A name in camel case, of words that may end in a digit: `createHttp2Server`. */
const CAMEL_CASE = /^[a-z]{2,}(?:[A-Z][a-z]+\d?)+$/
/** The fewest characters of its words on average. Random letters have two between capitals. */
const MIN_WORD = 4

const isCamelCase = (value: string) =>
  CAMEL_CASE.test(value) && value.length >= MIN_WORD * (value.replace(/[^A-Z]/g, '').length + 1)

/** A key of UUID form. */
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i

/** The entropy of a random value of fewer than 20 characters that are not all hex digits, in bits per character. */
const SHORT_ENTROPY = 3.2
/** The fewest characters of a random value. */
const MIN_RANDOM = 12

/**
 * Returns whether a value is random characters, as a generated key is, and neither words nor an identifier, a path, a
 * version or a date. Its words do not count, so a word in it makes no key harmless.
 */
export function isRandom(value: string, minLength = MIN_RANDOM): boolean {
  if (UUID.test(value)) return entropyOf(value) > 2.6
  if (isCamelCase(value)) return false
  const rest = withoutWords(value)
  const letters = rest.replace(/[^A-Za-z0-9]/g, '')
  const isHex = /^[0-9a-f]*$|^[0-9A-F]*$/.test(letters)
  if (
    letters.length < minLength ||
    entropyOf(letters) < (isHex || letters.length >= 20 ? 2.8 : SHORT_ENTROPY)
  )
    return false
  if (!/[A-Za-z]/.test(letters)) return false
  const share = turnsOf(rest) / letters.length
  const digits = letters.replace(/\D/g, '').length
  if (digits >= 2) return share >= (letters.length >= 40 ? 0.1 : letters.length >= 32 ? 0.14 : 0.2)
  const vowels = letters.replace(/[^aeiou]/gi, '').length / letters.length
  const isMixed = /[a-z]/.test(letters) && /[A-Z]/.test(letters)
  return letters.length >= 16 && isMixed && (share >= 0.28 || (share >= 0.2 && vowels < 0.25))
}

/**
 * Counts the changes between lower case, upper case and digits. A capital before small letters is camel case, so the
 * change after it does not count.
 */
function turnsOf(text: string): number {
  let turns = 0
  let last = ''
  for (const character of text) {
    const kind = /[a-z]/.test(character)
      ? 'a'
      : /[A-Z]/.test(character)
        ? 'A'
        : /\d/.test(character)
          ? '0'
          : ''
    if (kind !== '' && last !== '' && kind !== last && !(last === 'A' && kind === 'a')) turns++
    last = kind
  }
  return turns
}

/**
 * Returns whether a value is a password that a person would keep secret: of three kinds of characters, or of letters and
 * digits and longer, after its words are taken out.
 */
export function isStrongPassword(value: string): boolean {
  if (isRandom(value)) return true
  if (isPhrase(value) || isCounting(value)) return false
  const rest = withoutWords(value).replace(/\s/g, '')
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter(kind => kind.test(rest)).length
  if (new Set(rest).size < 6) return false
  const hasDigit = /\d/.test(rest)
  return (
    (kinds >= 3 && hasDigit && rest.length >= 8) ||
    (kinds === 2 && hasDigit && /[A-Za-z]/.test(rest) && rest.length >= 10)
  )
}

/** The part of a long value that is no run, in a placeholder. */
const COUNTING_REST = 0.4
const MIN_COUNTED_VALUE = 20

/** Returns whether a long value is counting and repeated characters for the most part, as those of documentation are. */
const isCounting = (value: string) =>
  value.length >= MIN_COUNTED_VALUE &&
  withoutRuns(value).replaceAll(' ', '').length < COUNTING_REST * value.length

/** Returns whether a value is words of one case, or short numbers, between dashes, dots, underscores or spaces. */
const isPhrase = (value: string) =>
  /^(?:[a-z]+|[A-Z][a-z]+|\d{1,4})(?:[-_. ](?:[a-z]+|[A-Z][a-z]+|\d{1,4}))+$|^[A-Z][A-Z0-9]*(?:_[A-Z0-9]{1,12})+$/.test(
    value,
  )

/** Returns whether a value is nothing but words and runs: `YOUR_API_TOKEN`, `xxxxxxxx`. */
export const isPlaceholder = (value: string): boolean =>
  // Words first: three letters of `default` count up.
  withoutRuns(value.replace(WORDS, ' ')).replace(/[^A-Za-z0-9]/g, '').length < 4

/** Returns the Shannon entropy of a text, in bits per character. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}
