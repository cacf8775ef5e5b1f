import { constants, inflateRawSync } from 'node:zlib'
import type { Budget } from '../bytes/budget.ts'
import { MIN_HIDDEN } from '../bytes/is-text.ts'
import { mayBeDeflate, mayBeText } from './deflate-probe.ts'

/** How something is compressed. */
export type Kind = 'gzip' | 'zlib' | 'deflate' | 'zstd' | 'xz' | 'bzip2'

/**
 * Something compressed inside a file: where its stream begins (of what is deflated, behind its head, so that what is
 * wrong with its end does not matter), and the name an archive gives it. Names are read when they are asked for: a
 * file can look like many entries with long ones.
 */
export interface Packed {
  readonly kind: Kind
  readonly at: number
  readonly name?: string | undefined
  /** What gzip says that the file was called: nothing goes by it but rules that ask for a name. */
  readonly called?: string | undefined
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
/** Heads of zlib with a window of 4 KiB that x86-64's programs are full of: they move registers and constants. */
const IN_PROGRAMS: ReadonlySet<number> = new Set([0x4889, 0x48c7])

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
  const nameEnd = Math.min(data - 1, name + MOST_NAME)
  if (flags & 16) data = pastZero(data)
  return new GzipMember(content, flags & 2 ? data + 2 : data, name, nameEnd)
}

class GzipMember implements Packed {
  readonly kind = 'gzip'
  readonly at: number
  readonly #content: Buffer
  readonly #name: number
  readonly #nameEnd: number
  constructor(content: Buffer, at: number, name: number, nameEnd: number) {
    this.#content = content
    this.at = at
    this.#name = name
    this.#nameEnd = nameEnd
  }
  get called(): string | undefined {
    return this.#content.toString('latin1', this.#name, this.#nameEnd) || undefined
  }
}

/** What of a stream is tried, and what is made of it at most, in bytes. */
const TRIED = 512
const TRIED_OUTPUT = 4096

/** Does deflate begin here? Bytes that are none give themselves away within a few. */
function inflates(content: Buffer, at: number, budget: Budget, mayBe = mayBeDeflate): boolean {
  if (!mayBe(content, at)) return false
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
  const found: Packed[] = []
  for (const packed of eachPacked(content, where)) {
    // What is found waits in memory, and is not free even if it is never opened.
    where.budget.probe()
    found.push(packed)
  }
  return found.sort((a, b) => a.at - b.at)
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
    if (entry && (entry.method === 8 || inflates(content, entry.at, budget))) yield entry
  }
  if (isStart && isZlib(content, 0)) yield { kind: 'zlib', at: 2 }
  if (isStart && content.subarray(0, 1024).includes('%PDF-')) {
    for (let at = content.indexOf(PDF_STREAM); at >= 0; at = content.indexOf(PDF_STREAM, at + 6)) {
      const data = content[at + 6] === 13 ? at + 8 : at + 7
      if (isZlib(content, data)) yield { kind: 'zlib', at: data + 2 }
    }
  }
  for (let at = 0; at < content.length - 2; at++)
    if (((content[at] ?? 0) & 0x8f) === 8 && isZlib(content, at)) {
      if (isPicture && content.subarray(at - 4, at).equals(PNG_DATA)) continue
      const mayBe = IN_PROGRAMS.has(content.readUInt16BE(at)) ? mayBeText : mayBeDeflate
      if (inflates(content, at + 2, budget, mayBe)) yield { kind: 'zlib', at: at + 2 }
    }
}

const zipEntry = (content: Buffer, head: number) =>
  content.length < head + 30 ? undefined : new ZipEntry(content, head)

/**
 * What a zip's local header says (APPNOTE 4.3.7): programs read the directory, so an entry may be deflated though
 * its header denies it. Stored ones lie open; other methods are found by magic.
 */
class ZipEntry implements Packed, Member {
  readonly kind = 'deflate'
  readonly at: number
  readonly #content: Buffer
  readonly #head: number
  constructor(content: Buffer, head: number) {
    this.#content = content
    this.#head = head
    this.at = head + 30 + this.#nameLength + content.readUInt16LE(head + 28)
  }
  get name(): string {
    const name = this.#head + 30
    return this.#content.toString('utf8', name, name + Math.min(this.#nameLength, MOST_NAME))
  }
  get size(): number {
    return this.#content.readUInt32LE(this.#head + 18)
  }
  get method(): number {
    return this.#content.readUInt16LE(this.#head + 8)
  }
  get #nameLength(): number {
    return this.#content.readUInt16LE(this.#head + 26)
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
      : {
          name: entry.name,
          at: entry.at,
          size: Math.max(0, (next < 0 ? content.length : next) - entry.at),
        }
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
