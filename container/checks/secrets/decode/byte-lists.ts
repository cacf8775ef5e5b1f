import { byteClass, runsOf } from '../bytes/byte-runs.ts'
import type { DecodedBlock } from './decoded-block.ts'

/** The longest separator between two numbers of a list, in characters. */
const MAX_GAP = 64
/** Characters of a list of bytes in hex or decimal. */
const LIST_BYTE = byteClass(/[0-9a-fA-FxX\\,:;\s"'-]/)
const DIGIT = byteClass(/[0-9]/)
const HEX_DIGIT = byteClass(/[0-9a-fA-F]/)
const NUMBER_BYTE = byteClass(/[0-9a-fA-FxX\\]/)
/** The most digits of a number that is read; a byte has fewer. */
const MAX_DIGITS = 4

/** A list of bytes in one notation. */
class ByteList {
  readonly #how: string
  readonly #min: number
  #bytes: number[] = []
  #at = 0
  readonly blocks: DecodedBlock[] = []

  constructor(encoding: string, min: number) {
    this.#how = encoding
    this.#min = min
  }
  add(byte: number, at: number): void {
    if (this.#bytes.length === 0) this.#at = at
    this.#bytes.push(byte)
  }
  end(): void {
    if (this.#bytes.length >= this.#min)
      this.blocks.push({ encoding: this.#how, content: Buffer.from(this.#bytes), offset: this.#at })
    if (this.#bytes.length > 0) this.#bytes = []
  }
}

/**
 * Returns lists of bytes as code, JSON and tools write them. Numbers are decimal, or hex with two digits or with
 * `0x` or `\x` before them. Whitespace, commas, colons, semicolons, dashes and quotes separate them.
 */
export function decodeByteLists(content: Buffer, min: number): DecodedBlock[] {
  const [hex, decimal] = [new ByteList('hex', min), new ByteList('numbers', min)]
  for (const { from, to } of runsOf(content, LIST_BYTE, min * 2 - 1)) {
    for (let at = from; at < to; ) {
      const gap = at
      while (at < to && NUMBER_BYTE[content[at] ?? 0] !== 1) at++
      if (at - gap > MAX_GAP) {
        hex.end()
        decimal.end()
      }
      const start = at
      const isMarked = (content[at] === 48 || content[at] === 92) && ((content[at + 1] ?? 0) | 32) === 120
      if (isMarked) at += 2
      const digitsStart = at
      let value = 0
      let tens = 0
      let isDecimal = !isMarked
      for (; at < to && HEX_DIGIT[content[at] ?? 0] === 1 && at - digitsStart <= MAX_DIGITS; at++) {
        const byte = content[at] ?? 0
        if (DIGIT[byte] !== 1) isDecimal = false
        value = value * 16 + (byte > 64 ? (byte & 7) + 9 : byte - 48)
        tens = tens * 10 + byte - 48
      }
      const digits = at - digitsStart
      // A number that continues with other letters is a word.
      const isWhole = at >= to || NUMBER_BYTE[content[at] ?? 0] !== 1
      while (at < to && NUMBER_BYTE[content[at] ?? 0] === 1) at++
      if (isWhole && (digits === 2 || (isMarked && digits === 1))) hex.add(value, start)
      else hex.end()
      if (isWhole && isDecimal && digits > 0 && tens < 256) decimal.add(tens, start)
      else decimal.end()
    }
    hex.end()
    decimal.end()
  }
  return [...hex.blocks, ...decimal.blocks]
}
