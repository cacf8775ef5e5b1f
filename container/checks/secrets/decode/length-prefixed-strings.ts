import { kindOf, type Run } from '../bytes/byte-runs.ts'

const NEWLINE = 10
/** A letter of a word that touches a token hides it from the rules, which ask for its border. */
const WORD = kindOf(/\w/)
const TOKEN = kindOf(/[\w.+/=:-]/)
/** The least that such a token has. */
const LEAST = 16
/** A string's length is one of the first so many bytes that can be read: a tag's letter or two come before it. */
const HEAD = 4

/**
 * The strings within a run of printable bytes that stand behind their length, as protocol buffers, marshalled Python
 * and the like have them: where the length is a letter's code, or the next string's head is, it touches the token.
 */
export function* prefixedIn(content: Buffer, { from, to }: Run): Generator<Run> {
  let left = 8 + ((to - from) >> 6)
  const ends = new Set<number>()
  const isOfToken = isToken(content, from, to)
  for (const length of lengthsBefore(content, from)) {
    const end = from + length
    if (length === 0 || end >= to || ends.has(end)) continue
    ends.add(end)
    if (isOfToken && length >= LEAST) yield { from, to: end }
  }
  let open = from + HEAD
  for (let at = from; at < to && left > 0; at++) {
    if (content[at - 1] === NEWLINE || ends.has(at)) open = at + HEAD
    const length = content[at] ?? 0
    const end = at + 1 + length
    if (at >= open || WORD[length] !== 1 || end > to || !isToken(content, at + 1, to)) continue
    ends.add(end)
    left--
    yield { from: at + 1, to: end }
  }
}

/** What the bytes before `at` say when they are a length, of one byte, or of two or four in either order. */
function lengthsBefore(content: Buffer, at: number): number[] {
  const lengths: number[] = []
  if (at >= 1) lengths.push(content.readUInt8(at - 1))
  if (at >= 2) lengths.push(content.readUInt16BE(at - 2), content.readUInt16LE(at - 2))
  if (at >= 4) lengths.push(content.readUInt32BE(at - 4), content.readUInt32LE(at - 4))
  return lengths
}

function isToken(content: Buffer, from: number, to: number): boolean {
  if (from + LEAST > to) return false
  for (let at = from; at < from + LEAST; at++) if (TOKEN[content[at] ?? 0] !== 1) return false
  return true
}
