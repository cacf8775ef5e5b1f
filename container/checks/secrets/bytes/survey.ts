import { byteClass } from './byte-runs.ts'

/** The alphabets of base64, which those of hex and base32 are part of. */
export const BASE64_BYTE = byteClass(/[A-Za-z0-9+/_-]/)

/** The facts about a text that rule out most decoders: read once, so that plain text costs little. */
export interface Survey {
  /** 1 for each byte that the text has. */
  readonly present: Uint8Array
  /** The longest run of base64, in bytes. */
  readonly longestBase64: number
}

export function surveyOf(content: Buffer): Survey {
  const present = new Uint8Array(256)
  let longest = 0
  let start = 0
  for (let offset = 0; offset < content.length; offset++) {
    const byte = content[offset] as number
    present[byte] = 1
    if (BASE64_BYTE[byte] === 1) continue
    if (offset - start > longest) longest = offset - start
    start = offset + 1
  }
  return { present, longestBase64: Math.max(longest, content.length - start) }
}

/** Returns whether a text has all bytes of one of the marks, in latin1. */
export function mayHave({ present }: Survey, marks: readonly string[]): boolean {
  for (const mark of marks) {
    let i = 0
    while (i < mark.length && present[mark.charCodeAt(i)] === 1) i++
    if (i === mark.length) return true
  }
  return false
}

/** Returns whether a text has a byte of a class. */
export function hasByteOf({ present }: Survey, bytes: Uint8Array): boolean {
  for (let byte = 0; byte < 256; byte++) if (bytes[byte] === 1 && present[byte] === 1) return true
  return false
}
