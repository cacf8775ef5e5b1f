import { constants, inflateRawSync } from 'node:zlib'
import { MIN_HIDDEN } from './text.ts'

/** How something is compressed. */
export type Kind = 'gzip' | 'zlib' | 'deflate' | 'zstd' | 'xz' | 'bzip2'

/**
 * Something compressed inside a file: where its stream begins (of what is deflated, behind its head, so that what is
 * wrong with its end does not matter), and the name an archive gives it.
 */
export interface Packed {
  readonly kind: Kind
  readonly at: number
  readonly name?: string
}

const ZIP = Buffer.from('PK\x03\x04', 'latin1')
const MAGIC: readonly { kind: Kind; start: Buffer; fits: (b: Buffer, at: number) => boolean }[] = [
  { kind: 'gzip', start: Buffer.from([0x1f, 0x8b, 8]), fits: (b, at) => ((b[at + 3] ?? 0xff) & 0xe0) === 0 },
  { kind: 'zstd', start: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), fits: () => true },
  { kind: 'xz', start: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), fits: () => true },
  {
    kind: 'bzip2',
    start: Buffer.from('BZh'),
    fits: (b, at) => BZIP2_START.test(b.toString('latin1', at + 3, at + 10)),
  },
]
// A block's or an empty stream's mark follows the level (bzip2's format has no published name for them).
const BZIP2_START = /^[1-9](?:1AY&SY|\x17rE8P\x90)$/
const PDF_STREAM = Buffer.from('stream')
const PNG_DATA = Buffer.from('IDAT')
/** What zlib begins with where nothing asks for another window (RFC 1950): at each of its levels. */
const ZLIB_STARTS = [0x01, 0x5e, 0x9c, 0xda].map(level => Buffer.from([0x78, level]))

const isZlib = (b: Buffer, at: number) => {
  const head = b.length > at + 2 ? b.readUInt16BE(at) : 0
  return ((head >> 8) & 0x8f) === 8 && head % 31 === 0 && (head & 0x20) === 0
}

/** Where the deflated part of a gzip member begins (RFC 1952): what follows the member is nobody's fault then. */
function gzipData(content: Buffer, at: number): number {
  const flags = content[at + 3] ?? 0
  const pastZero = (from: number) => {
    const zero = content.indexOf(0, from)
    return zero < 0 ? content.length : zero + 1
  }
  let data = at + 10
  if (flags & 4 && data + 2 <= content.length) data += 2 + content.readUInt16LE(data)
  if (flags & 8) data = pastZero(data)
  if (flags & 16) data = pastZero(data)
  return flags & 2 ? data + 2 : data
}

/** Does deflate begin here? Bytes that are none give themselves away within a few. */
function inflates(content: Buffer, at: number): boolean {
  try {
    const some = inflateRawSync(content.subarray(at, at + 512), { finishFlush: constants.Z_SYNC_FLUSH })
    return some.length >= MIN_HIDDEN
  } catch {
    return false
  }
}

/**
 * The compressed streams in `content`, by content and not by name, wherever they begin: archives in archives, parts
 * behind a picture, and entries that an archive's own directory does not list. What a picture shows stays packed.
 */
export function packedIn(content: Buffer, isStart: boolean, isPicture = false): Packed[] {
  const found: Packed[] = []
  for (const { kind, start, fits } of MAGIC)
    for (let at = content.indexOf(start); at >= 0; at = content.indexOf(start, at + 1))
      if (fits(content, at)) found.push({ kind, at: kind === 'gzip' ? gzipData(content, at) : at })
  for (let at = content.indexOf(ZIP); at >= 0; at = content.indexOf(ZIP, at + 4)) {
    const entry = zipEntry(content, at)
    if (entry) found.push(entry)
  }
  if (isStart && isZlib(content, 0)) found.push({ kind: 'zlib', at: 2 })
  if (isStart && content.subarray(0, 1024).includes('%PDF-')) {
    for (let at = content.indexOf(PDF_STREAM); at >= 0; at = content.indexOf(PDF_STREAM, at + 6)) {
      const data = content[at + 6] === 13 ? at + 8 : at + 7
      if (isZlib(content, data)) found.push({ kind: 'zlib', at: data + 2 })
    }
  }
  for (const start of ZLIB_STARTS)
    for (let at = content.indexOf(start); at >= 0; at = content.indexOf(start, at + 1))
      if (!(isPicture && content.subarray(at - 4, at).equals(PNG_DATA)) && inflates(content, at + 2))
        found.push({ kind: 'zlib', at: at + 2 })
  return found.sort((a, b) => a.at - b.at)
}

/**
 * A deflated entry by its local header (APPNOTE 4.3.7), also where that denies it: programs read the directory.
 * Stored ones lie open; other methods are found by magic.
 */
function zipEntry(content: Buffer, at: number): Packed | undefined {
  if (content.length < at + 30) return undefined
  const nameLength = content.readUInt16LE(at + 26)
  const data = at + 30 + nameLength + content.readUInt16LE(at + 28)
  if (content.readUInt16LE(at + 8) !== 8 && !inflates(content, data)) return undefined
  const name = content.toString('utf8', at + 30, at + 30 + Math.min(nameLength, 512))
  return { kind: 'deflate', at: data, name }
}

/** Does it begin like something that can be unpacked? */
export function isPacked(start: Buffer): boolean {
  return (
    start.subarray(0, 4).equals(ZIP) ||
    isZlib(start, 0) ||
    MAGIC.some(magic => start.subarray(0, magic.start.length).equals(magic.start) && magic.fits(start, 0))
  )
}
