import { kindOf, runsOf } from '../bytes/byte-runs.ts'
import type { Decoded } from './encoded-blocks.ts'

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648, section 6. */
export function fromBase32(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of text) {
    held = ((held << 5) | BASE32.indexOf(letter)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >> bits) & 255)
  }
  return Buffer.from(bytes)
}

/** What uuencode(1) made. */
export function* uuencodedIn(text: string): Generator<Decoded> {
  for (const begin of text.matchAll(/^begin [0-7]{3,4} [^\n]*\n/gm)) {
    const bytes: number[] = []
    let at = begin.index + begin[0].length
    for (;;) {
      const end = text.indexOf('\n', at)
      const line = text.slice(at, end < 0 ? text.length : end)
      const count = (line.charCodeAt(0) - 32) & 63
      if (!/^[ -`]+\r?$/.test(line) || count === 0) break
      // No line holds more than its count says, which is at most 63.
      const values = [...line.slice(1, 85)].map(letter => (letter.charCodeAt(0) - 32) & 63)
      const row: number[] = []
      for (let i = 0; i + 1 < values.length; i += 4) {
        const [a = 0, b = 0, c = 0, d = 0] = values.slice(i, i + 4)
        row.push((a << 2) | (b >> 4), ((b & 15) << 4) | (c >> 2), ((c & 3) << 6) | d)
      }
      bytes.push(...row.slice(0, count))
      if (end < 0) break
      at = end + 1
    }
    if (bytes.length > 0) yield { how: 'uuencode', content: Buffer.from(bytes), at: begin.index }
  }
}

/** Adobe's base85: between `<~` and `~>`, and in streams of a PDF, up to `~>`. */
export function* ascii85In(text: string): Generator<Decoded> {
  let from = 0
  for (let end = text.indexOf('~>'); end >= 0; end = text.indexOf('~>', from)) {
    const before = text.slice(from, end)
    const start = Math.max(before.lastIndexOf('<~'), before.lastIndexOf('stream'))
    if (start >= 0) {
      const begin = start + (before[start] === '<' ? 2 : 6)
      yield { how: 'ascii85', content: fromAscii85(before.slice(begin)), at: from + start }
    }
    from = end + 2
  }
}

function fromAscii85(text: string): Buffer {
  const bytes: number[] = []
  let group: number[] = []
  const put = (values: readonly number[], count: number) => {
    const value = values.reduce((sum, digit) => sum * 85 + digit, 0)
    for (let i = 0; i < count; i++) bytes.push(Math.floor(value / 256 ** (3 - i)) & 255)
  }
  for (const letter of text) {
    if (/\s/.test(letter)) continue
    const digit = letter.charCodeAt(0) - 33
    if (letter === 'z' && group.length === 0) put([0], 4)
    else if (digit < 0 || digit > 84) break
    else if (group.push(digit) === 5) {
      put(group, 4)
      group = []
    }
  }
  if (group.length > 1) put([...group, 84, 84, 84].slice(0, 5), group.length - 1)
  return Buffer.from(bytes)
}

const BASE85 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~'
const BASE85_LETTER = kindOf(/[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]/)
const BASE85_VALUE = Uint8Array.from({ length: 256 }, (_, byte) =>
  Math.max(0, BASE85.indexOf(String.fromCharCode(byte))),
)
const IS_SIGN = kindOf(/[!#$%&()*;<>?@^`{|}~]/)
/** The least that is tried, in letters: a fourth more than what it stands for. */
const MIN_BASE85 = 40
/** What says whether a run is base85, in letters: that it reads as something there. */
const TRIED = 200

/** Git's and Python's base85 (RFC 1924's letters), which has no marks, in what is written without a blank. */
export function* base85In(content: Buffer, isWorth: (content: Buffer) => boolean): Generator<Decoded> {
  for (const { from, to } of runsOf(content, BASE85_LETTER, MIN_BASE85)) {
    // A run of letters and digits is no base85: a third of its letters are signs that base64 has not.
    let signs = 0
    for (let at = from; at < Math.min(to, from + TRIED); at++) signs += IS_SIGN[content[at] ?? 0] ?? 0
    if (signs < 4) continue
    for (let skip = 0; skip < 5; skip++) {
      if (!isWorth(fromBase85(content, from + skip, Math.min(to, from + TRIED)))) continue
      yield { how: 'base85', content: fromBase85(content, from + skip, to), at: from }
      break
    }
  }
}

/** Rows as long as their first letter says, from A for one byte to z for 52. */
const GIT_ROW = /^([A-Za-z])((?:[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{5}){1,13})\r?$/

/** What `git diff --binary` writes of a file: what zlib made of it, or of what changes in it. */
export function* gitPatchesIn(content: Buffer, text: string): Generator<Decoded> {
  for (const begin of text.matchAll(/^(?:literal|delta) \d{1,12}\r?\n/gm)) {
    const rows: Buffer[] = []
    for (let at = begin.index + begin[0].length; at < text.length; ) {
      const newline = text.indexOf('\n', at)
      const end = newline < 0 ? text.length : newline
      // No row is longer than 52 bytes, which are 65 letters.
      const [, count, letters] = (end - at <= 68 && GIT_ROW.exec(text.slice(at, end))) || []
      if (count === undefined || letters === undefined) break
      const size = count.charCodeAt(0) - (count <= 'Z' ? 64 : 70)
      rows.push(fromBase85(content, at + 1, at + 1 + letters.length).subarray(0, size))
      at = end + 1
    }
    if (rows.length > 0) yield { how: 'git patch', content: Buffer.concat(rows), at: begin.index }
  }
}

function fromBase85(content: Buffer, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil((to - from) / 5) * 4)
  for (let at = from; at < to; at += 5) {
    let value = 0
    for (let i = 0; i < 5; i++)
      value = value * 85 + (at + i < to ? (BASE85_VALUE[content[at + i] ?? 0] ?? 0) : 84)
    bytes.writeUInt32BE(value % 2 ** 32, ((at - from) / 5) * 4)
  }
  return bytes.subarray(0, Math.floor(((to - from) * 4) / 5))
}
