import { MIN_DECODED_BYTES, PRINTABLE } from '../bytes/is-text.ts'

/**
 * Returns whether deflate could begin here (RFC 1951, 3.2.3 to 3.2.7). The check is cheap and rejects most other bytes.
 */
export function couldBeDeflate(content: Buffer, offset: number, minCodes = 1): boolean {
  if (content.length < offset + 5) return false
  const head = content.readUInt32LE(offset)
  const type = (head >> 1) & 3
  if (type === 0) return (content.readUInt16LE(offset + 1) ^ content.readUInt16LE(offset + 3)) === 0xffff
  if (type === 1) return true
  if (type === 3 || ((head >> 3) & 31) > 29 || ((head >> 8) & 31) > 29) return false
  // The code lengths for the code length alphabet, three bits each from bit 17 on. A complete code uses all code space.
  const count = ((head >> 13) & 15) + 4
  let codeSpace = 128
  let codes = 0
  for (let bit = 17; bit < 17 + count * 3; bit += 3) {
    const bits = (content[offset + (bit >> 3)] ?? 0) | ((content[offset + (bit >> 3) + 1] ?? 0) << 8)
    const length = (bits >> (bit & 7)) & 7
    if (length === 0) continue
    codeSpace -= 128 >> length
    codes++
  }
  return codeSpace === 0 && codes >= minCodes
}

/** The symbol that ends a block. The symbols of repetitions follow it. */
const END_OF_BLOCK = 256

/** Text has common and rare letters, so the codes for its letters have at least this many different lengths. */
const MIN_CODES_IN_TEXT = 4

/**
 * Returns whether deflate could begin here and hold text at its start. A block of fixed codes (RFC 1951, 3.2.6) is decoded
 * up to its first repetition.
 */
export function couldBeDeflatedText(content: Buffer, offset: number): boolean {
  if ((((content[offset] ?? 0) >> 1) & 3) !== 1) return couldBeDeflate(content, offset, MIN_CODES_IN_TEXT)
  let bit = offset * 8 + 3
  const nextBit = () => ((content[bit >> 3] ?? 0) >> (bit++ & 7)) & 1
  const readCode = (length: number) => {
    let value = 0
    for (let i = 0; i < length; i++) value = (value << 1) | nextBit()
    return value
  }
  for (let decodedBytes = 0; decodedBytes < MIN_DECODED_BYTES; decodedBytes++) {
    const code7 = readCode(7)
    if (code7 < 24)
      return code7 !== 0 && decodedBytes > 0 && isWithinOutput(code7 + END_OF_BLOCK, decodedBytes)
    const code8 = (code7 << 1) | nextBit()
    if (code8 >= 192 || PRINTABLE[code8 - 48] !== 1) return false
  }
  return true

  /** Returns whether a repetition reaches back no further than the beginning of the output. */
  function isWithinOutput(length: number, decodedBytes: number): boolean {
    bit += length < 265 ? 0 : (length - 261) >> 2
    const distance = readCode(5)
    return (distance < 4 ? distance : (2 + (distance & 1)) << ((distance >> 1) - 1)) < decodedBytes
  }
}
