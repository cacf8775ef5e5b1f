/** The characters of a token that its beginning has. */
export const START_CHARS = 128

/** The bytes that a token's beginning decodes to. It is written over by the next. */
const scratch = Buffer.alloc((START_CHARS / 4) * 3)
/** The scratch of each length: a view of it takes longer than the decoding. */
const starts = Array.from({ length: scratch.length + 1 }, (_, length) => scratch.subarray(0, length))

const valuesOf = (...alphabets: readonly string[]) =>
  Uint8Array.from({ length: 256 }, (_, byte) =>
    Math.max(0, ...alphabets.map(alphabet => alphabet.indexOf(String.fromCharCode(byte)))),
  )
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const BASE64_VALUE = valuesOf(`${LETTERS}+/`, `${LETTERS}-_`)
const HEX_VALUE = valuesOf('0123456789abcdef', '0123456789ABCDEF')

/** Decodes the beginning of a token, whose characters are all of the alphabet. The result is valid until the next call. */
export type DecodeStart = (content: Buffer, from: number, to: number) => Buffer

export const base64Start: DecodeStart = (content, from, to) => {
  const end = Math.min(to, from + START_CHARS)
  let length = 0
  let bits = 0
  for (let offset = from; offset < end; offset++) {
    bits = (bits << 6) | (BASE64_VALUE[content[offset] as number] as number)
    const place = (offset - from) & 3
    if (place > 0) scratch[length++] = (bits >> (6 - 2 * place)) & 255
  }
  return starts[length] as Buffer
}

export const hexStart: DecodeStart = (content, from, to) => {
  const length = Math.max(0, Math.min(to - from, START_CHARS)) >> 1
  for (let i = 0; i < length; i++) {
    const high = HEX_VALUE[content[from + 2 * i] as number] as number
    scratch[i] = (high << 4) | (HEX_VALUE[content[from + 2 * i + 1] as number] as number)
  }
  return starts[length] as Buffer
}
