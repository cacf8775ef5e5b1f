import { isUtf8 } from 'node:buffer'

/** The byte that stands for a byte that is not UTF-8: a control character, which no class of a rule names. */
const SUBSTITUTE = 1

/** The least code point of a sequence of two, three and four bytes; a longer form of a lower one is invalid. */
const MIN_CODE_POINT = [0, 0, 0x80, 0x800, 0x10000]

/**
 * Returns text of the same length that is valid UTF-8. Go's regular expressions take an invalid byte for a character
 * of its own; RE2's match nothing across it, so that one such byte in a private key would hide the key.
 */
export function validUtf8(content: Buffer): Buffer {
  if (isUtf8(content)) return content
  const valid = Buffer.from(content)
  for (let offset = 0; offset < valid.length; ) {
    const length = sequenceLength(valid, offset)
    if (length === 0) valid[offset] = SUBSTITUTE
    offset += length || 1
  }
  return valid
}

/** Returns the length of the character's bytes; 0: they are not UTF-8 (RFC 3629, section 3). */
function sequenceLength(content: Buffer, offset: number): number {
  const first = content[offset] ?? 0
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  if (first < 0xc0 || first > 0xf7) return 0
  let codePoint = first & (0xff >> (length + 1))
  for (let i = 1; i < length; i++) {
    const byte = content[offset + i] ?? 0
    if ((byte & 0xc0) !== 0x80) return 0
    codePoint = (codePoint << 6) | (byte & 0x3f)
  }
  const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff
  return codePoint < (MIN_CODE_POINT[length] ?? 0) || codePoint > 0x10ffff || isSurrogate ? 0 : length
}
