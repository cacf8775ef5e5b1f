import { kindOf, runsOf, wrappedIn } from './runs.ts'

/** A stretch of text that was hidden in another. */
export interface Decoded {
  readonly how: string
  readonly content: Buffer
  /** Where it began, in bytes of what it was hidden in. */
  readonly at: number
}

/** Text with its numeric escapes undone: only the lines that had some, and the number of each (from 0). */
export interface Unescaped {
  readonly content: Buffer
  readonly lines: readonly number[]
}

const MIN_HIDDEN = 12

/** Is it text that a person or a program would read, by its first bytes? */
export function isText(content: Buffer): boolean {
  const probe = content.subarray(0, 4096)
  if (probe.length < MIN_HIDDEN) return false
  let odd = 0
  for (const byte of probe) if ((byte < 32 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 127) odd++
  if (odd * 20 > probe.length) return false
  let high = 0
  for (const byte of probe) if (byte > 127) high++
  // Random bytes are half above 127; UTF-8 that is mostly not ASCII decodes without a replacement.
  return high * 10 < probe.length || !probe.subarray(0, -4).toString('utf8').includes('\ufffd')
}

const PRINTABLE = '[\\t\\n\\r\\x20-\\x7e]'
const WIDE_RUNS = ['(?:P\\0\\0\\0){8,}', '(?:\\0\\0\\0P){8,}', '(?:P\\0){8,}', '(?:\\0P){8,}'].map(
  run => new RegExp(run.replace('P', PRINTABLE), 'g'),
)

/** UTF-16 and UTF-32, of either byte order, with a byte-order mark or without, whole files or pieces of binaries. */
export function wideText(content: Buffer): { whole: Buffer } | { runs: Decoded[] } {
  if (!content.includes(0)) return { runs: [] }
  const whole = wholeWide(content)
  if (whole) return { whole }
  const text = content.toString('latin1')
  const runs: Decoded[] = []
  const seen = new Set<string>()
  for (const pattern of WIDE_RUNS) {
    for (const match of text.matchAll(pattern)) {
      const plain = match[0].replaceAll('\0', '')
      if (seen.has(plain)) continue
      seen.add(plain)
      runs.push({ how: 'UTF-16', content: Buffer.from(plain, 'latin1'), at: match.index })
    }
  }
  return { runs }
}

function wholeWide(content: Buffer): Buffer | undefined {
  const probe = content.subarray(0, 8192 & ~3)
  const zeros = [0, 0, 0, 0]
  for (let i = 0; i < probe.length; i++) if (probe[i] === 0) zeros[i % 4] = (zeros[i % 4] ?? 0) + 1
  const [a = 0, b = 0, c = 0, d = 0] = zeros.map(count => (count * 4) / Math.max(probe.length, 1))
  if (c > 0.9 && d > 0.9 && b > 0.5 && a < 0.1) return fromUtf32(content, false)
  if (a > 0.9 && b > 0.9 && c > 0.5 && d < 0.1) return fromUtf32(content, true)
  const mark = content.length >= 2 ? content.readUInt16BE(0) : 0
  if (mark === 0xfffe || (b > 0.5 && d > 0.5 && a < 0.1 && c < 0.1))
    return Buffer.from(new TextDecoder('utf-16le').decode(content), 'utf8')
  if (mark === 0xfeff || (a > 0.5 && c > 0.5 && b < 0.1 && d < 0.1))
    return Buffer.from(new TextDecoder('utf-16be').decode(content), 'utf8')
  return undefined
}

function fromUtf32(content: Buffer, bigEndian: boolean): Buffer {
  const units = Math.floor(content.length / 4)
  const narrow = Buffer.alloc(units)
  for (let i = 0; i < units; i++) {
    const point = bigEndian ? content.readUInt32BE(i * 4) : content.readUInt32LE(i * 4)
    narrow[i] = point < 128 ? point : 63
  }
  return narrow
}

const ESCAPE =
  /\\{1,4}x([0-9a-fA-F]{2})|\\{1,4}u\{?([0-9a-fA-F]{4,6})\}?|\\{1,2}([0-3][0-7]{2})|%([0-9a-fA-F]{2})|&#(\d{2,6});|&#[xX]([0-9a-fA-F]{2,5});|\\{1,4}([/"'])/g

/** JSON, JavaScript, Python, shell, URL and HTML escapes undone, on the lines that have them. */
export function unescaped(content: Buffer): Unescaped | undefined {
  if (!content.includes(92) && !content.includes(37) && !content.includes('&#')) return undefined
  const kept: string[] = []
  const lines: number[] = []
  content
    .toString('latin1')
    .split('\n')
    .forEach((line, number) => {
      if (!/[\\%]|&#/.test(line)) return
      const plain = line.replace(ESCAPE, (_, x, u, octal, percent, decimal, hex, simple) => {
        if (simple) return simple
        const point = octal
          ? Number.parseInt(octal, 8)
          : decimal
            ? Number(decimal)
            : Number.parseInt(x ?? u ?? percent ?? hex, 16)
        if (point === 10 || point === 13) return ' '
        return point < 256 ? String.fromCharCode(point) : '?'
      })
      if (plain === line) return
      kept.push(plain)
      lines.push(number)
    })
  return kept.length ? { content: Buffer.from(`${kept.join('\n')}\n`, 'latin1'), lines } : undefined
}

const BASE64 = kindOf(/[A-Za-z0-9+/_-]/)
const HEX = /(?:[0-9a-fA-F]{2}){14,}/g
const HEX_LIST = /(?:(?:0x|\\x)?[0-9a-fA-F]{2}[,:;\s]{1,3}){12,}(?:0x|\\x)?[0-9a-fA-F]{2}/g

/** Base64 and hex that decode to text, or to something that `worthwhile` knows. */
export function armoured(content: Buffer, worthwhile: (start: Buffer) => boolean): Decoded[] {
  const text = content.toString('latin1')
  const found: Decoded[] = []
  const keep = (how: string, decoded: Buffer, at: number) => {
    if (decoded.length >= MIN_HIDDEN) found.push({ how, content: decoded, at })
  }
  for (const { at, joined } of wrappedIn(content, BASE64, 32)) {
    if (!/[^0-9a-fA-F]/.test(joined)) keepHex(joined, at)
    else keepBase64(joined, at)
  }
  for (const { from, to } of runsOf(content, BASE64, 20)) keepBase64(text.slice(from, to), from)
  for (const match of text.matchAll(HEX)) keepHex(match[0], match.index)
  for (const match of text.matchAll(HEX_LIST))
    keepHex((match[0].match(/[0-9a-fA-F]{2}(?=[,:;\s]|$)/g) ?? []).join(''), match.index)
  return found

  function keepHex(token: string, at: number) {
    const start = Buffer.from(token.slice(0, 128), 'hex')
    if (worthwhile(start)) keep('hex', Buffer.from(token, 'hex'), at)
  }
  // What stands before the encoded part may be of base64's letters too, so each alignment is tried, and each part
  // between the two letters in which the alphabets differ.
  function keepBase64(token: string, at: number) {
    const parts = /[-_]/.test(token)
      ? [token, ...token.split(/[-_]+/).filter(part => part.length >= 20)]
      : [token]
    for (const part of parts) {
      for (let skip = 0; skip < 4; skip++) {
        const aligned = part.slice(skip)
        if (!worthwhile(Buffer.from(aligned.slice(0, 128), 'base64'))) continue
        keep('base64', Buffer.from(aligned, 'base64'), at)
        return
      }
    }
  }
}
