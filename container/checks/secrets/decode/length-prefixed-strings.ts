import { byteClass, type Run } from '../bytes/byte-runs.ts'

const NEWLINE = 10
/** A word character next to a token hides it from the rules, which ask for a word boundary. */
const WORD_BYTE = byteClass(/\w/)
const TOKEN_BYTE = byteClass(/[\w.+/=:-]/)
/** The shortest token, in bytes. */
const MIN_TOKEN = 16
/** A string's length byte is one of this many printable bytes: a tag of a few characters may come before it. */
const HEADER_BYTES = 4

/**
 * Yields the strings after a length byte within a run of printable bytes, as protocol buffers and marshalled Python
 * write them. A length byte or the next string's header that is a letter would touch the token.
 */
export function* lengthPrefixedRuns(content: Buffer, { from, to }: Run): Generator<Run> {
  let remaining = 8 + ((to - from) >> 6)
  const ends = new Set<number>()
  const beginsWithToken = hasTokenAt(content, from, to)
  for (const length of lengthFieldsBefore(content, from)) {
    const end = from + length
    if (length === 0 || end >= to || ends.has(end)) continue
    ends.add(end)
    if (beginsWithToken && length >= MIN_TOKEN) yield { from, to: end }
  }
  let headerEnd = from + HEADER_BYTES
  for (let offset = from; offset < to && remaining > 0; offset++) {
    if (content[offset - 1] === NEWLINE || ends.has(offset)) headerEnd = offset + HEADER_BYTES
    const length = content[offset] ?? 0
    const end = offset + 1 + length
    if (offset >= headerEnd || WORD_BYTE[length] !== 1 || end > to || !hasTokenAt(content, offset + 1, to))
      continue
    ends.add(end)
    remaining--
    yield { from: offset + 1, to: end }
  }
}

/** Returns the values of the bytes before `offset`, read as a length of one byte, or of two or four in either order. */
function lengthFieldsBefore(content: Buffer, offset: number): number[] {
  const lengths: number[] = []
  if (offset >= 1) lengths.push(content.readUInt8(offset - 1))
  if (offset >= 2) lengths.push(content.readUInt16BE(offset - 2), content.readUInt16LE(offset - 2))
  if (offset >= 4) lengths.push(content.readUInt32BE(offset - 4), content.readUInt32LE(offset - 4))
  return lengths
}

function hasTokenAt(content: Buffer, from: number, to: number): boolean {
  if (from + MIN_TOKEN > to) return false
  for (let offset = from; offset < from + MIN_TOKEN; offset++)
    if (TOKEN_BYTE[content[offset] ?? 0] !== 1) return false
  return true
}
