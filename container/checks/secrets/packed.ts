import { constants, inflateRawSync } from 'node:zlib'
import type { Budget } from './budget.ts'
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
  /** What gzip says that the file was called: nothing goes by it but rules that ask for a name. */
  readonly called?: string
}

/** So much of a name is read, in bytes. */
const MOST_NAME = 512
const ZIP_HEAD = Buffer.from('PK')
/** A tar's head has this at its 257th byte, and is as long as a block (POSIX ustar). */
const TAR = Buffer.from('ustar')
const TAR_MARK = 257
const TAR_BLOCK = 512
/** So much of a record with a long name. */
const MOST_LONG = 4096
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
function gzipMember(content: Buffer, at: number, budget: Budget): Packed {
  const flags = content[at + 3] ?? 0
  const pastZero = (from: number) => {
    const zero = content.indexOf(0, from)
    const end = zero < 0 ? content.length : zero + 1
    budget.probe(end - from)
    return end
  }
  let data = at + 10
  if (flags & 4 && data + 2 <= content.length) data += 2 + content.readUInt16LE(data)
  const name = data
  if (flags & 8) data = pastZero(data)
  const called = content.toString('latin1', name, Math.min(data - 1, name + MOST_NAME))
  if (flags & 16) data = pastZero(data)
  return { kind: 'gzip', at: flags & 2 ? data + 2 : data, ...(called ? { called } : {}) }
}

/** Could deflate begin here (RFC 1951, 3.2.3 to 3.2.7)? It costs nothing, and most of what is none is none by this. */
function mayBeDeflate(content: Buffer, at: number): boolean {
  if (content.length < at + 5) return false
  const head = content.readUInt32LE(at)
  const type = (head >> 1) & 3
  if (type === 0) return (content.readUInt16LE(at + 1) ^ content.readUInt16LE(at + 3)) === 0xffff
  if (type === 1) return true
  if (type === 3 || ((head >> 3) & 31) > 29 || ((head >> 8) & 31) > 29) return false
  // The lengths of the codes for the lengths of codes, three bits each from bit 17: the codes use up all of their room.
  const count = ((head >> 13) & 15) + 4
  let room = 128
  for (let bit = 17; bit < 17 + count * 3; bit += 3) {
    const two = (content[at + (bit >> 3)] ?? 0) | ((content[at + (bit >> 3) + 1] ?? 0) << 8)
    const length = (two >> (bit & 7)) & 7
    if (length > 0) room -= 128 >> length
  }
  return room === 0
}

/** What of a stream is tried, and what is made of it at most, in bytes. */
const TRIED = 512
const TRIED_OUTPUT = 4096

/** Does deflate begin here? Bytes that are none give themselves away within a few. */
function inflates(content: Buffer, at: number, budget: Budget): boolean {
  if (!mayBeDeflate(content, at)) return false
  budget.probe()
  try {
    const some = inflateRawSync(content.subarray(at, at + TRIED), {
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: TRIED_OUTPUT,
      maxOutputLength: TRIED_OUTPUT,
    })
    return some.length >= MIN_HIDDEN
  } catch (error) {
    return error instanceof RangeError
  }
}

interface Where {
  readonly budget: Budget
  /** Is it the beginning of what it is a part of? */
  readonly isStart: boolean
  readonly isPicture?: boolean
}

/**
 * The compressed streams in `content`, by content and not by name, wherever they begin: archives in archives, parts
 * behind a picture, and entries that an archive's own directory does not list. What a picture shows stays packed.
 */
export function packedIn(content: Buffer, where: Where): Packed[] {
  return [...eachPacked(content, where)].sort((a, b) => a.at - b.at)
}

/** Is there one at all? */
export const holdsPacked = (content: Buffer, budget: Budget): boolean =>
  !eachPacked(content, { budget, isStart: true }).next().done

function* eachPacked(content: Buffer, { budget, isStart, isPicture }: Where): Generator<Packed, undefined> {
  for (const { kind, start, fits } of MAGIC)
    for (let at = content.indexOf(start); at >= 0; at = content.indexOf(start, at + 1))
      if (fits(content, at)) yield kind === 'gzip' ? gzipMember(content, at, budget) : { kind, at }
  for (let at = content.indexOf(ZIP); at >= 0; at = content.indexOf(ZIP, at + 4)) {
    const entry = zipEntry(content, at)
    if (entry && (entry.method === 8 || inflates(content, entry.at, budget)))
      yield { kind: 'deflate', at: entry.at, name: entry.name }
  }
  if (isStart && isZlib(content, 0)) yield { kind: 'zlib', at: 2 }
  if (isStart && content.subarray(0, 1024).includes('%PDF-')) {
    for (let at = content.indexOf(PDF_STREAM); at >= 0; at = content.indexOf(PDF_STREAM, at + 6)) {
      const data = content[at + 6] === 13 ? at + 8 : at + 7
      if (isZlib(content, data)) yield { kind: 'zlib', at: data + 2 }
    }
  }
  for (const start of ZLIB_STARTS)
    for (let at = content.indexOf(start); at >= 0; at = content.indexOf(start, at + 1))
      if (!(isPicture && content.subarray(at - 4, at).equals(PNG_DATA)) && inflates(content, at + 2, budget))
        yield { kind: 'zlib', at: at + 2 }
}

/**
 * What a zip's local header says (APPNOTE 4.3.7): programs read the directory, so an entry may be deflated though
 * its header denies it. Stored ones lie open; other methods are found by magic.
 */
function zipEntry(content: Buffer, at: number): (Member & { readonly method: number }) | undefined {
  if (content.length < at + 30) return undefined
  const nameLength = content.readUInt16LE(at + 26)
  const name = content.toString('utf8', at + 30, at + 30 + Math.min(nameLength, MOST_NAME))
  return {
    name,
    at: at + 30 + nameLength + content.readUInt16LE(at + 28),
    size: content.readUInt32LE(at + 18),
    method: content.readUInt16LE(at + 8),
  }
}

/** A file that lies open in an archive. */
export interface Member {
  readonly name: string
  readonly at: number
  readonly size: number
}

/** The files that lie open in `content`, of tar, and of zip where they are stored, each by what its own head says. */
export function* membersIn(content: Buffer): Generator<Member> {
  for (let at = content.indexOf(ZIP); at >= 0; at = content.indexOf(ZIP, at + 4)) {
    const entry = zipEntry(content, at)
    if (entry?.method !== 0) continue
    // A size that comes behind the file: it ends where the next head begins.
    const next = entry.size > 0 ? -1 : content.indexOf(ZIP_HEAD, entry.at)
    yield entry.size > 0
      ? entry
      : { ...entry, size: Math.max(0, (next < 0 ? content.length : next) - entry.at) }
  }
  let long: string | undefined
  for (let mark = content.indexOf(TAR); mark >= 0; mark = content.indexOf(TAR, mark + 1)) {
    const head = mark - TAR_MARK
    if (head < 0 || head + TAR_BLOCK > content.length) continue
    const field = (from: number, length: number) =>
      content.toString('latin1', head + from, head + from + length).split('\0', 1)[0] ?? ''
    const data = head + TAR_BLOCK
    const size = Number.parseInt(field(124, 12).trim(), 8) || 0
    const type = field(156, 1)
    if (type === 'L')
      long = content.toString('latin1', data, data + Math.min(size, MOST_LONG)).replace(/\0+$/, '')
    else if (type === 'x')
      long = / path=([^\n]*)\n/.exec(content.toString('latin1', data, data + Math.min(size, MOST_LONG)))?.[1]
    else {
      yield { name: long ?? field(0, 100), at: data, size }
      long = undefined
    }
  }
}

/** Does it begin like something that can be unpacked? */
export function isPacked(start: Buffer): boolean {
  return (
    start.subarray(0, 4).equals(ZIP) ||
    isZlib(start, 0) ||
    MAGIC.some(magic => start.subarray(0, magic.start.length).equals(magic.start) && magic.fits(start, 0))
  )
}
