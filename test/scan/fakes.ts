import { randomBytes, randomInt } from 'node:crypto'

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const LOWER = UPPER.toLowerCase()
const DIGITS = '0123456789'

/** Random text that is random enough for every rule: gitleaks asks for entropy. */
export function random(alphabet: string, length: number): string {
  for (;;) {
    const text = Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
    if (new Set(text).size >= Math.min(length, alphabet.length) * 0.6 && !/true|false|null/i.test(text))
      return text
  }
}

// Made in the form of secrets, anew in each run, and parted here so that no scanner takes these lines for any.
export const githubToken = () => `ghp${'_'}${random(UPPER + LOWER + DIGITS, 36)}`
export const gitlabToken = () => `glpat${'-'}${random(UPPER + LOWER + DIGITS, 20)}`
export const awsKeyId = () => `AKIA${random(`${UPPER}234567`, 16)}`
export const npmToken = () => `npm${'_'}${random(LOWER + DIGITS, 36)}`
export const stripeKey = () => `sk_live${'_'}${random(UPPER + LOWER + DIGITS, 32)}`
/** Nothing tells such a one from a hash but the name before it. */
export const adobeId = () => random('0123456789abcdef', 32)
/** A digit behind each letter: gitleaks lets keys pass in which it reads a word. */
export const anyKey = () => {
  const digits = random(DIGITS, 20)
  return [...random('cdfghjlmnqrtvwxyz', 20)].map((letter, i) => `${letter}${digits[i]}`).join('')
}

/** A new text in the form of a private key; it is none. */
export function privateKey(kind = 'RSA '): string {
  const lines = Array.from({ length: 12 }, () => randomBytes(48).toString('base64'))
  return [`-----BEGIN ${kind}PRIVATE KEY-----`, ...lines, `-----END ${kind}PRIVATE KEY-----`, ''].join('\n')
}

const WORDS =
  'the gate lets pass what it has seen and keeps what it has not said to anyone who asks for more of it'.split(
    ' ',
  )

/** Ordinary text of about that many bytes. */
export function prose(bytes: number): string {
  const lines: string[] = []
  for (let size = 0; size < Math.min(bytes, 100_000); ) {
    const line = Array.from({ length: 10 }, () => WORDS[randomInt(WORDS.length)]).join(' ')
    lines.push(line)
    size += line.length + 1
  }
  const page = `${lines.join('\n')}\n`
  return page.repeat(Math.ceil(bytes / page.length))
}
