import { byteClass, type Run } from '../bytes/byte-runs.ts'

const NEWLINE = 10
/** A letter of a word that touches a token hides it from the rules, which ask for its border. */
const WORD_BYTE = byteClass(/\w/)
const TOKEN_BYTE = byteClass(/[\w.+/=:-]/)
/** The least that such a token has. */
const MIN_TOKEN = 16
/** A string's length is one of the first so many bytes that can be read: a tag's letter or two come before it. */
const HEADER_BYTES = 4

/**
 * The strings within a run of printable bytes that stand behind their length, as protocol buffers, marshalled Python
 * and the like have them: where the length is a letter's code, or the next string's head is, it touches the token.
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

/** What the bytes before `at` say when they are a length, of one byte, or of two or four in either order. */
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
