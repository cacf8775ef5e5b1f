import { REDACTED } from '../../../../src/contract/text/unscanned-text.ts'
import { sanitizeForAgent } from '../../sanitize-text.ts'

const TOKEN = /[A-Za-z0-9+/=_%\\-]{16,}/g
const FILE_NAME = /[^/]+/g

/** The most secrets that text is compared with. Beyond them, everything that looks like a token is redacted. */
const MAX_SECRETS = 500
/** The shortest line or word of a secret that is redacted by itself. */
const MIN_PART = 16
/** The first and the last line of a key are in many texts. */
const PEM_LINE = /-----(?:BEGIN|END)[^\n-]*-----/g
/** Whitespace, and escaped line breaks. */
const PART_SEPARATOR = /(?:\s|\\[nr])+/
/** The most characters that are shown before a secret in its line. */
const MAX_BEFORE = 80

interface Secret {
  readonly plain: string
  readonly lowercase: string
  readonly encoded: readonly string[]
}

/** Removes secrets from text for people and logs, plain or in a simple encoding. */
export class Redactor {
  readonly #secrets: readonly Secret[]
  readonly #tooMany: boolean
  /** Whole lines of secrets, also short ones. */
  readonly #lines = new Set<string>()
  readonly #redactedParts = new Map<string, string>()

  constructor(secrets: readonly string[]) {
    const all = new Set<string>()
    for (const secret of secrets) {
      const parts = secret.replace(PEM_LINE, ' ').split(PART_SEPARATOR)
      if (secret.length >= 4) all.add(secret)
      if (secret.includes('\n'))
        for (const line of secret.replace(PEM_LINE, ' ').split('\n')) this.#lines.add(line.trim())
      for (const part of parts) if (part.length >= MIN_PART) all.add(part)
      if (all.size > MAX_SECRETS) break
    }
    this.#lines.delete('')
    this.#tooMany = all.size > MAX_SECRETS
    this.#secrets = [...all]
      .sort((a, b) => b.length - a.length)
      .map(plain => ({ plain, lowercase: plain.toLowerCase(), encoded: encodings(plain) }))
  }

  /** False for more than MAX_SECRETS: then anything that looks like a token is redacted, and other secrets are not. */
  get isComplete(): boolean {
    return !this.#tooMany
  }

  /** Returns a line of text, or `[redacted]` if it holds a secret or a line of one. */
  redactLine(line: string): string {
    return this.#lines.has(line.trim()) || this.#mayContain(line) ? REDACTED : line
  }

  /**
   * Returns a path with each segment redacted that holds a secret, plain or encoded. A secret with a `/` redacts the
   * whole path.
   */
  redactPath(path: string): string {
    const shown = path.replace(FILE_NAME, part => this.#redactPart(part))
    return shown.includes('/') && this.#redactPart(shown) === REDACTED ? REDACTED : shown
  }

  #redactPart(text: string): string {
    const shown = this.#redactedParts.get(text) ?? (this.#mayContain(text) ? REDACTED : text)
    this.#redactedParts.set(text, shown)
    return shown
  }

  /** Returns the text before a secret in its line, redacted. The rest of the line is not shown. */
  excerpt(line: string, secret: string): string {
    if (this.#tooMany) return REDACTED
    const start = secret.split('\n')[0] ?? ''
    const offset = start === '' ? -1 : line.indexOf(start)
    const before = this.#withoutSecrets(line, offset >= 0 ? offset : Math.min(MAX_BEFORE, line.length))
    const shown = (offset >= 0 ? before.slice(-MAX_BEFORE) : before).replace(TOKEN, token =>
      /\d/.test(token) || token.length > 40 || this.#contains(token) ? '…' : token,
    )
    return sanitizeForAgent(`${shown.trimStart()}${REDACTED}`)
  }

  /** Returns the line up to `end` without the secrets that begin there, even if they end later. */
  #withoutSecrets(line: string, end: number): string {
    const spans: [number, number][] = []
    for (const { plain } of this.#secrets)
      for (
        let offset = line.indexOf(plain);
        offset >= 0 && offset < end;
        offset = line.indexOf(plain, offset + 1)
      )
        spans.push([offset, offset + plain.length])
    let shown = ''
    let from = 0
    for (const [first, last] of spans.sort(([a], [b]) => a - b)) {
      if (first > from) shown += line.slice(from, first)
      if (first >= from && last <= end) shown += REDACTED
      from = Math.max(from, last)
    }
    return shown + line.slice(Math.min(from, end), end)
  }

  #mayContain(text: string): boolean {
    return this.#contains(text) || (this.#tooMany && /[A-Za-z0-9+=_%\\-]{16,}/.test(text))
  }

  #contains(text: string): boolean {
    const forms = [text, ...decodings(text)].map(form => form.toLowerCase())
    return this.#secrets.some(
      ({ lowercase, encoded }) =>
        forms.some(form => form.includes(lowercase)) || encoded.some(form => text.includes(form)),
    )
  }
}

function decodings(text: string): string[] {
  const forms = [[...text].reverse().join('')]
  for (const token of text.match(TOKEN) ?? [])
    for (let skip = 0; skip < 4; skip++) {
      forms.push(Buffer.from(token.slice(skip), 'base64').toString('latin1').replaceAll('\0', ''))
      forms.push(Buffer.from(token.slice(skip), 'hex').toString('latin1').replaceAll('\0', ''))
    }
  forms.push(text.replace(/%([0-9a-fA-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))))
  return forms
}

/** Returns the base64 of a secret inside other text: the characters that do not depend on the bytes around it. */
function encodings(secret: string): string[] {
  return [0, 1, 2]
    .map(offset => {
      const encoded = Buffer.from('\0'.repeat(offset) + secret)
        .toString('base64')
        .replaceAll('=', '')
      return encoded.slice(offset === 0 ? 0 : offset + 1, -2)
    })
    .filter(form => form.length >= 8)
}
