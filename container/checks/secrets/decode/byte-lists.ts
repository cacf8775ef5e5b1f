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
  readonly #encoding: string
  readonly #min: number
  #bytes: number[] = []
  #offset = 0
  readonly blocks: DecodedBlock[] = []

  constructor(encoding: string, min: number) {
    this.#encoding = encoding
    this.#min = min
  }
  add(byte: number, offset: number): void {
    if (this.#bytes.length === 0) this.#offset = offset
    this.#bytes.push(byte)
  }
  end(): void {
    if (this.#bytes.length >= this.#min)
      this.blocks.push({ encoding: this.#encoding, content: Buffer.from(this.#bytes), offset: this.#offset })
    if (this.#bytes.length > 0) this.#bytes = []
  }
}

/**
 * Returns lists of bytes as code, JSON and tools write them. Numbers are decimal, or hex with two digits or with `0x`
 * or `\x` before them. Whitespace, commas, colons, semicolons, dashes and quotes separate them.
 */
export function decodeByteLists(content: Buffer, min: number): DecodedBlock[] {
  const [hex, decimal] = [new ByteList('hex', min), new ByteList('numbers', min)]
  for (const { from, to } of runsOf(content, LIST_BYTE, min * 2 - 1)) {
    for (let offset = from; offset < to; ) {
      const gap = offset
      while (offset < to && NUMBER_BYTE[content[offset] ?? 0] !== 1) offset++
      if (offset - gap > MAX_GAP) {
        hex.end()
        decimal.end()
      }
      const start = offset
      const isMarked =
        (content[offset] === 48 || content[offset] === 92) && ((content[offset + 1] ?? 0) | 32) === 120
      if (isMarked) offset += 2
      const digitsStart = offset
      let value = 0
      let tens = 0
      let isDecimal = !isMarked
      for (
        ;
        offset < to && HEX_DIGIT[content[offset] ?? 0] === 1 && offset - digitsStart <= MAX_DIGITS;
        offset++
      ) {
        const byte = content[offset] ?? 0
        if (DIGIT[byte] !== 1) isDecimal = false
        value = value * 16 + (byte > 64 ? (byte & 7) + 9 : byte - 48)
        tens = tens * 10 + byte - 48
      }
      const digits = offset - digitsStart
      // A number that continues with other letters is a word.
      const isWhole = offset >= to || NUMBER_BYTE[content[offset] ?? 0] !== 1
      while (offset < to && NUMBER_BYTE[content[offset] ?? 0] === 1) offset++
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
