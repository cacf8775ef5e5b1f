import { byteClass, runsOf } from '../bytes/byte-runs.ts'
import type { DecodedBlock } from './decoded-block.ts'

/** Yields the blocks that uuencode(1) writes. */
export function* uuencodedBlocks(text: string): Generator<DecodedBlock> {
  if (!text.includes('begin ')) return
  for (const header of text.matchAll(/^begin [0-7]{3,4} [^\n]*\n/gm)) {
    const bytes: number[] = []
    let offset = header.index + header[0].length
    for (;;) {
      const end = text.indexOf('\n', offset)
      const line = text.slice(offset, end < 0 ? text.length : end)
      const count = (line.charCodeAt(0) - 32) & 63
      if (!/^[ -`]+\r?$/.test(line) || count === 0) break
      // A line holds no more bytes than its first character says, and that is at most 63.
      const values = [...line.slice(1, 85)].map(char => (char.charCodeAt(0) - 32) & 63)
      const row: number[] = []
      for (let i = 0; i + 1 < values.length; i += 4) {
        const [a = 0, b = 0, c = 0, d = 0] = values.slice(i, i + 4)
        row.push((a << 2) | (b >> 4), ((b & 15) << 4) | (c >> 2), ((c & 3) << 6) | d)
      }
      bytes.push(...row.slice(0, count))
      if (end < 0) break
      offset = end + 1
    }
    if (bytes.length > 0) yield { encoding: 'uuencode', content: Buffer.from(bytes), offset: header.index }
  }
}

/** Yields Adobe's base85: between `<~` and `~>`, and in streams of a PDF up to `~>`. */
export function* ascii85Blocks(text: string): Generator<DecodedBlock> {
  let from = 0
  for (let end = text.indexOf('~>'); end >= 0; end = text.indexOf('~>', from)) {
    const before = text.slice(from, end)
    const start = Math.max(before.lastIndexOf('<~'), before.lastIndexOf('stream'))
    if (start >= 0) {
      const header = start + (before[start] === '<' ? 2 : 6)
      yield { encoding: 'ascii85', content: decodeAscii85(before.slice(header)), offset: from + start }
    }
    from = end + 2
  }
}

function decodeAscii85(text: string): Buffer {
  const bytes: number[] = []
  let group: number[] = []
  const emit = (values: readonly number[], count: number) => {
    const value = values.reduce((sum, digit) => sum * 85 + digit, 0)
    for (let i = 0; i < count; i++) bytes.push(Math.floor(value / 256 ** (3 - i)) & 255)
  }
  for (const char of text) {
    if (/\s/.test(char)) continue
    const digit = char.charCodeAt(0) - 33
    if (char === 'z' && group.length === 0) emit([0], 4)
    else if (digit < 0 || digit > 84) break
    else if (group.push(digit) === 5) {
      emit(group, 4)
      group = []
    }
  }
  if (group.length > 1) emit([...group, 84, 84, 84].slice(0, 5), group.length - 1)
  return Buffer.from(bytes)
}

const BASE85 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~'
const BASE85_BYTE = byteClass(/[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]/)
const BASE85_VALUE = Uint8Array.from({ length: 256 }, (_, byte) =>
  Math.max(0, BASE85.indexOf(String.fromCharCode(byte))),
)
const BASE85_SIGN = byteClass(/[!#$%&()*;<>?@^`{|}~]/)
/** The shortest run of base85 that is decoded, in characters: five characters stand for four bytes. */
const MIN_BASE85 = 40
/** The part of a run that decides whether it is base85, in characters: it has to decode to text. */
const PROBE_LENGTH = 200

/** Yields runs of git's and Python's base85 (the alphabet of RFC 1924), which has neither marks nor whitespace. */
export function* base85Runs(content: Buffer, isWorth: (content: Buffer) => boolean): Generator<DecodedBlock> {
  for (const { from: start, to } of runsOf(content, BASE85_BYTE, MIN_BASE85)) {
    // A third of base85's characters are signs that base64 lacks. A run without them is a word.
    let signs = 0
    for (let offset = start; offset < Math.min(to, start + PROBE_LENGTH); offset++)
      signs += BASE85_SIGN[content[offset] ?? 0] ?? 0
    if (signs < 4) continue
    for (let skip = 0; skip < 5; skip++) {
      if (!isWorth(decodeBase85(content, start + skip, Math.min(to, start + PROBE_LENGTH)))) continue
      yield { encoding: 'base85', content: decodeBase85(content, start + skip, to), offset: start }
      break
    }
  }
}

/** A row of a binary patch. Its first character is its length, from A for 1 byte to z for 52. */
const GIT_ROW = /^([A-Za-z])((?:[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{5}){1,13})\r?$/

/** Yields the deflated data of binary patches, as `git diff --binary` writes them. */
export function* gitBinaryPatches(content: Buffer, text: string): Generator<DecodedBlock> {
  if (!text.includes('literal ') && !text.includes('delta ')) return
  for (const header of text.matchAll(/^(?:literal|delta) \d{1,12}\r?\n/gm)) {
    const rows: Buffer[] = []
    for (let offset = header.index + header[0].length; offset < text.length; ) {
      const newline = text.indexOf('\n', offset)
      const end = newline < 0 ? text.length : newline
      // A row has at most 52 bytes, which are 65 characters.
      const [, count, encoded] = (end - offset <= 68 && GIT_ROW.exec(text.slice(offset, end))) || []
      if (count === undefined || encoded === undefined) break
      const size = count.charCodeAt(0) - (count <= 'Z' ? 64 : 70)
      rows.push(decodeBase85(content, offset + 1, offset + 1 + encoded.length).subarray(0, size))
      offset = end + 1
    }
    if (rows.length > 0) yield { encoding: 'git patch', content: Buffer.concat(rows), offset: header.index }
  }
}

function decodeBase85(content: Buffer, start: number, to: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil((to - start) / 5) * 4)
  for (let offset = start; offset < to; offset += 5) {
    let value = 0
    for (let i = 0; i < 5; i++)
      value = value * 85 + (offset + i < to ? (BASE85_VALUE[content[offset + i] ?? 0] ?? 0) : 84)
    bytes.writeUInt32BE(value % 2 ** 32, ((offset - start) / 5) * 4)
  }
  return bytes.subarray(0, Math.floor(((to - start) * 4) / 5))
}
