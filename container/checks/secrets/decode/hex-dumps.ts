import { byteClass } from '../bytes/byte-runs.ts'
import type { DecodedBlock } from './decoded-block.ts'

/** A line of od(1), hexdump(1) or xxd(1): an offset, and the bytes or characters there. No dump line is longer. */
const DUMP_LINE = /^[ \t]*[0-9a-fA-F]{4,16}:?[ \t](.{1,400})$/gm

type WordReader = (word: string) => string | undefined

const swapBytes = (hex: string) => Buffer.from(hex, 'hex').reverse().toString('hex')
const toHex = (value: number, bytes: number) => value.toString(16).padStart(bytes * 2, '0')
const HEX_WORD = /^(?:[0-9a-fA-F]{2}){1,8}$/
const hexWord: WordReader = word => (HEX_WORD.test(word) ? word : undefined)
const swappedWord: WordReader = word => (HEX_WORD.test(word) ? swapBytes(word) : undefined)
const octalWord: WordReader = word => {
  if (/^[0-3][0-7]{2}$/.test(word)) return toHex(Number.parseInt(word, 8), 1)
  return /^[01][0-7]{5}$/.test(word) ? swapBytes(toHex(Number.parseInt(word, 8), 2)) : undefined
}
const decimalWord: WordReader = word =>
  /^\d{1,3}$/.test(word) && Number(word) < 256 ? toHex(Number(word), 1) : undefined
const binaryWord: WordReader = word =>
  /^[01]{8}$/.test(word) ? toHex(Number.parseInt(word, 2), 1) : undefined

/** A line of a dump after its offset. */
interface DumpLine {
  readonly line: string
  readonly words: readonly string[]
  /** The words before the first double blank or tab, where that separates the bytes from the text. */
  readonly beforeGap: readonly string[]
  readonly isMarked: boolean
}

/** The formats of a dump line. Each reader returns the line's bytes in hex. Words may be in little-endian order. */
const DUMP_FORMATS: readonly ((dumpLine: DumpLine) => string | undefined)[] = [
  ({ words, beforeGap, isMarked }) => read(hexWord, isMarked ? [words, beforeGap] : [beforeGap, words]),
  ({ words, beforeGap, isMarked }) => read(swappedWord, isMarked ? [words, beforeGap] : [beforeGap, words]),
  ({ words, beforeGap }) => read(octalWord, [beforeGap, words]),
  ({ words }) => read(decimalWord, [words]),
  ({ words, beforeGap }) => read(binaryWord, [beforeGap, words]),
  ({ line }) => odCharacters(line),
]

const HEX_DIGIT = byteClass(/[0-9a-fA-F]/)
const BLANK = byteClass(/[ \t]/)
const LINE_END = byteClass(/[\r\n]/)
const COLON = 58

/** Returns whether a line begins as DUMP_LINE does. It takes a fifth of the pattern's time. */
function hasOffset(content: Buffer): boolean {
  const { length } = content
  for (let offset = 0; offset < length; offset++) {
    while (offset < length && BLANK[content[offset] as number] === 1) offset++
    const digits = offset
    while (offset < length && HEX_DIGIT[content[offset] as number] === 1) offset++
    const count = offset - digits
    if (count >= 4 && count <= 16) {
      if (content[offset] === COLON) offset++
      if (offset < length && BLANK[content[offset] as number] === 1) return true
    }
    while (offset < length && LINE_END[content[offset] as number] === 0) offset++
  }
  return false
}

/** Yields the bytes of each dump that has at least two lines. */
export function* decodeHexDumps(content: Buffer, text: string): Generator<DecodedBlock> {
  if (!hasOffset(content)) return
  const formats = DUMP_FORMATS.map(read => ({ read, hex: [] as string[], offset: 0 }))
  const endBlock = function* (format: (typeof formats)[number]): Generator<DecodedBlock> {
    const { hex, offset } = format
    if (hex.length > 1) yield { encoding: 'hex dump', content: Buffer.from(hex.join(''), 'hex'), offset }
    if (hex.length > 0) format.hex = []
  }
  let nextIndex = 0
  for (const { 0: line, 1: rest = '', index } of text.matchAll(DUMP_LINE)) {
    const dumpLine = parseDumpLine(rest)
    for (const format of formats) {
      if (index !== nextIndex) yield* endBlock(format)
      const hex = format.read(dumpLine)
      if (hex === undefined) yield* endBlock(format)
      else if (format.hex.push(hex) === 1) format.offset = index
    }
    const end = index + line.length
    nextIndex = end + (text.startsWith('\r', end) ? 2 : 1)
  }
  for (const format of formats) yield* endBlock(format)
}

function parseDumpLine(rest: string): DumpLine {
  const mark = rest.search(/[ \t][|>]/)
  const bytes = (mark >= 0 ? rest.slice(0, mark) : rest).trim()
  return {
    line: ` ${rest}`,
    words: bytes.split(/[ \t]+/),
    beforeGap: (bytes.split(/ {2}|\t/, 1)[0] ?? '').split(' '),
    isMarked: mark >= 0,
  }
}

/** Returns the first candidate whose words are all valid. A single word counts only when no candidate has more. */
function read(reader: WordReader, candidates: readonly (readonly string[])[]): string | undefined {
  let single: string | undefined
  for (const words of candidates) {
    let row: string | undefined = ''
    for (const word of words) {
      const hex = reader(word)
      row = hex === undefined ? undefined : row + hex
      if (row === undefined) break
    }
    if (row && words.length > 1) return row
    single ??= row
  }
  return single
}

const OD_ESCAPES: ReadonlyMap<string, string> = new Map(
  ['\\0', '\\a', '\\b', '\\t', '\\n', '\\v', '\\f', '\\r'].map((name, i) => [name, toHex(i && i + 6, 1)]),
)

/** Reads characters in columns of four, as od -c and hexdump -c print them. */
function odCharacters(line: string): string | undefined {
  let row = ''
  for (let start = 0; start < line.length; start += 4) {
    const column = line.slice(start, start + 4).padEnd(4)
    const hex = column.startsWith('   ')
      ? toHex(column.charCodeAt(3), 1)
      : (OD_ESCAPES.get(column.trim()) ?? octalWord(column.trim()))
    if (hex === undefined) return undefined
    row += hex
  }
  return row || undefined
}
