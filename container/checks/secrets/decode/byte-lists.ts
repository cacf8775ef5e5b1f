import { kindOf, runsOf } from '../bytes/byte-runs.ts'
import type { Decoded } from './encoded-blocks.ts'

/** The most blanks between two numbers of a list. */
const MAX_GAP = 64
/** What a list of bytes is written with, in hex or decimal. */
const LISTED = kindOf(/[0-9a-fA-FxX\\,:;\s"'-]/)
const DIGIT = kindOf(/[0-9]/)
const HEX_DIGIT = kindOf(/[0-9a-fA-F]/)
const ALNUM = kindOf(/[0-9a-fA-FxX\\]/)
/** More digits make no byte. */
const MOST_DIGITS = 4

/** Bytes that are listed one after the other, in one notation. */
class List {
  readonly #how: string
  readonly #min: number
  #bytes: number[] = []
  #at = 0
  readonly found: Decoded[] = []

  constructor(how: string, min: number) {
    this.#how = how
    this.#min = min
  }
  add(byte: number, at: number): void {
    if (this.#bytes.length === 0) this.#at = at
    this.#bytes.push(byte)
  }
  end(): void {
    if (this.#bytes.length >= this.#min)
      this.found.push({ how: this.#how, content: Buffer.from(this.#bytes), at: this.#at })
    if (this.#bytes.length > 0) this.#bytes = []
  }
}

/**
 * Lists of bytes, as code has arrays, JSON has buffers, and tools print them: in hex, each of two digits or with its
 * mark, or decimal, with blanks, commas, colons, semicolons, dashes or quotes between.
 */
export function listsIn(content: Buffer, min: number): Decoded[] {
  const [hex, decimal] = [new List('hex', min), new List('numbers', min)]
  for (const { from, to } of runsOf(content, LISTED, min * 2 - 1)) {
    for (let at = from; at < to; ) {
      const gap = at
      while (at < to && ALNUM[content[at] ?? 0] !== 1) at++
      if (at - gap > MAX_GAP) {
        hex.end()
        decimal.end()
      }
      const start = at
      const isMarked = (content[at] === 48 || content[at] === 92) && ((content[at + 1] ?? 0) | 32) === 120
      if (isMarked) at += 2
      const first = at
      let value = 0
      let tens = 0
      let isDecimal = !isMarked
      for (; at < to && HEX_DIGIT[content[at] ?? 0] === 1 && at - first <= MOST_DIGITS; at++) {
        const byte = content[at] ?? 0
        if (DIGIT[byte] !== 1) isDecimal = false
        value = value * 16 + (byte > 64 ? (byte & 7) + 9 : byte - 48)
        tens = tens * 10 + byte - 48
      }
      const digits = at - first
      // What goes on in other letters is no number.
      const isWhole = at >= to || ALNUM[content[at] ?? 0] !== 1
      while (at < to && ALNUM[content[at] ?? 0] === 1) at++
      if (isWhole && (digits === 2 || (isMarked && digits === 1))) hex.add(value, start)
      else hex.end()
      if (isWhole && isDecimal && digits > 0 && tens < 256) decimal.add(tens, start)
      else decimal.end()
    }
    hex.end()
    decimal.end()
  }
  return [...hex.found, ...decimal.found]
}

/** A line of an offset and what stands there: od(1), hexdump(1), xxd(1). None is longer. */
const DUMPED = /^[ \t]*[0-9a-fA-F]{4,16}:?[ \t](.{1,400})$/gm

type Word = (word: string) => string | undefined

const swapped = (hex: string) => Buffer.from(hex, 'hex').reverse().toString('hex')
const inHex = (value: number, bytes: number) => value.toString(16).padStart(bytes * 2, '0')
const HEX_WORD = /^(?:[0-9a-fA-F]{2}){1,8}$/
const hexWord: Word = word => (HEX_WORD.test(word) ? word : undefined)
const swappedWord: Word = word => (HEX_WORD.test(word) ? swapped(word) : undefined)
const octalWord: Word = word => {
  if (/^[0-3][0-7]{2}$/.test(word)) return inHex(Number.parseInt(word, 8), 1)
  return /^[01][0-7]{5}$/.test(word) ? swapped(inHex(Number.parseInt(word, 8), 2)) : undefined
}
const decimalWord: Word = word =>
  /^\d{1,3}$/.test(word) && Number(word) < 256 ? inHex(Number(word), 1) : undefined
const binaryWord: Word = word => (/^[01]{8}$/.test(word) ? inHex(Number.parseInt(word, 2), 1) : undefined)

/** A line of a dump behind its offset, and the words in it: as far as the text beside them, which may look the same. */
interface Shown {
  readonly line: string
  readonly words: readonly string[]
  /** Up to two blanks, if they part the text from the bytes. */
  readonly parted: readonly string[]
  readonly isMarked: boolean
}

/** The ways to read it, each of which answers in hex. What stands in words may be a machine's, with its bytes swapped. */
const READINGS: readonly ((shown: Shown) => string | undefined)[] = [
  ({ words, parted, isMarked }) => read(hexWord, isMarked ? [words, parted] : [parted, words]),
  ({ words, parted, isMarked }) => read(swappedWord, isMarked ? [words, parted] : [parted, words]),
  ({ words, parted }) => read(octalWord, [parted, words]),
  ({ words }) => read(decimalWord, [words]),
  ({ words, parted }) => read(binaryWord, [parted, words]),
  ({ line }) => lettersOf(line),
]

/** What a dump of at least two lines shows. */
export function* dumpsIn(text: string): Generator<Decoded> {
  const open = READINGS.map(shows => ({ shows, hex: [] as string[], at: 0 }))
  const ended = function* (reading: (typeof open)[number]): Generator<Decoded> {
    const { hex, at } = reading
    if (hex.length > 1) yield { how: 'hex dump', content: Buffer.from(hex.join(''), 'hex'), at }
    if (hex.length > 0) reading.hex = []
  }
  let next = 0
  for (const { 0: line, 1: behind = '', index } of text.matchAll(DUMPED)) {
    const shown = shownIn(behind)
    for (const reading of open) {
      if (index !== next) yield* ended(reading)
      const hex = reading.shows(shown)
      if (hex === undefined) yield* ended(reading)
      else if (reading.hex.push(hex) === 1) reading.at = index
    }
    const end = index + line.length
    next = end + (text.startsWith('\r', end) ? 2 : 1)
  }
  for (const reading of open) yield* ended(reading)
}

function shownIn(behind: string): Shown {
  const mark = behind.search(/[ \t][|>]/)
  const bytes = (mark >= 0 ? behind.slice(0, mark) : behind).trim()
  return {
    line: ` ${behind}`,
    words: bytes.split(/[ \t]+/),
    parted: (bytes.split(/ {2}|\t/, 1)[0] ?? '').split(' '),
    isMarked: mark >= 0,
  }
}

/** The first of these that are words throughout; a single one is no row unless nothing else is. */
function read(word: Word, ways: readonly (readonly string[])[]): string | undefined {
  let single: string | undefined
  for (const words of ways) {
    let row: string | undefined = ''
    for (const each of words) {
      const hex = word(each)
      row = hex === undefined ? undefined : row + hex
      if (row === undefined) break
    }
    if (row && words.length > 1) return row
    single ??= row
  }
  return single
}

const LETTERS: ReadonlyMap<string, string> = new Map(
  ['\\0', '\\a', '\\b', '\\t', '\\n', '\\v', '\\f', '\\r'].map((name, i) => [name, inHex(i && i + 6, 1)]),
)

/** Letters in columns of four, as od -c and hexdump -c have them. */
function lettersOf(line: string): string | undefined {
  let row = ''
  for (let at = 0; at < line.length; at += 4) {
    const column = line.slice(at, at + 4).padEnd(4)
    const hex = column.startsWith('   ')
      ? inHex(column.charCodeAt(3), 1)
      : (LETTERS.get(column.trim()) ?? octalWord(column.trim()))
    if (hex === undefined) return undefined
    row += hex
  }
  return row || undefined
}
