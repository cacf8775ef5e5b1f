import type { Decoded } from './armour.ts'

const COMMA = 44
const isDigit = (byte: number) => byte >= 48 && byte <= 57
const isSpace = (byte: number) => byte === 32 || byte === 9 || byte === 10 || byte === 13
/** The most blanks between two numbers of a list. */
const MAX_GAP = 64

/** Lists of decimal bytes with commas between, as JSON has a buffer and code its character codes. */
export function* numbersIn(content: Buffer, min: number): Generator<Decoded> {
  let bytes: number[] = []
  let start = 0
  for (let at = content.indexOf(COMMA); at >= 0; ) {
    // From the first comma back to the number before it.
    let from = at
    while (from > 0 && at - from < MAX_GAP && isSpace(content[from - 1] ?? 0)) from--
    while (from > 0 && isDigit(content[from - 1] ?? 0)) from--
    start = from
    bytes = []
    let i = from
    for (;;) {
      let value = 0
      const first = i
      while (i - first < 4 && isDigit(content[i] ?? 0)) value = value * 10 + (content[i++] ?? 0) - 48
      if (i === first || value > 255) break
      bytes.push(value)
      const gap = i
      while (i - gap < MAX_GAP && isSpace(content[i] ?? 0)) i++
      if (content[i] !== COMMA) break
      i++
      const after = i
      while (i - after < MAX_GAP && isSpace(content[i] ?? 0)) i++
    }
    if (bytes.length >= min) yield { how: 'numbers', content: Buffer.from(bytes), at: start }
    at = content.indexOf(COMMA, Math.max(i, at + 1))
  }
}

/** An offset, then bytes in hex, and perhaps the text behind: od(1), hexdump(1), xxd(1). */
const DUMPED = /^[ \t]*[0-9a-fA-F]{4,16}:?[ \t]+(.*)$/
const HAS_DUMP = /^[ \t]*[0-9a-fA-F]{4,16}:?[ \t]+(?:[0-9a-fA-F]{2}){1,4}[ \t]/m
const LONGEST_LINE = 400

/** What a hex dump of at least two lines shows. */
export function* dumpsIn(text: string): Generator<Decoded> {
  if (!HAS_DUMP.test(text)) return
  let hex: string[] = []
  let at = 0
  for (let start = 0; start <= text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const bytes = end - start < LONGEST_LINE ? bytesOf(text.slice(start, end)) : undefined
    if (bytes) {
      if (hex.length === 0) at = start
      hex.push(bytes)
    }
    if (!bytes || newline < 0) {
      if (hex.length > 1) yield { how: 'hex dump', content: Buffer.from(hex.join(''), 'hex'), at }
      hex = []
    }
    start = end + 1
  }
}

function bytesOf(line: string): string | undefined {
  const shown = DUMPED.exec(line)?.[1]
  if (shown === undefined) return undefined
  const mark = shown.search(/[ \t][|>]/)
  // Where no mark parts them, the text stands two blanks behind the bytes.
  const bytes = mark >= 0 ? shown.slice(0, mark) : (shown.split(/ {2}|\t/)[0] ?? '')
  const words = bytes.split(/[ \t]+/).filter(Boolean)
  return words.length && words.every(word => /^(?:[0-9a-fA-F]{2}){1,4}$/.test(word))
    ? words.join('')
    : undefined
}
