import { constants, inflateRawSync } from 'node:zlib'
import type { Budget } from '../bytes/budget.ts'
import { MIN_DECODED_BYTES } from '../bytes/is-text.ts'
import { couldBeDeflate, couldBeDeflatedText } from './deflate-probe.ts'

/** How something is compressed. */
export type Compression = 'gzip' | 'zlib' | 'deflate' | 'zstd' | 'xz' | 'bzip2'

/**
 * Something compressed inside a file: where its stream begins (of what is deflated, behind its head, so that what is
 * wrong with its end does not matter), and the name an archive gives it. Names are read when they are asked for: a
 * file can look like many entries with long ones.
 */
export interface CompressedStream {
  readonly kind: Compression
  readonly offset: number
  readonly name?: string | undefined
  /** What gzip says that the file was called: nothing goes by it but rules that ask for a name. */
  readonly originalName?: string | undefined
}

/** So much of a name is read, in bytes. */
const MAX_NAME_BYTES = 512
const ZIP_SIGNATURE = Buffer.from('PK')
/** A tar's head has this at its 257th byte, and is as long as a block (POSIX ustar). */
const TAR_MAGIC = Buffer.from('ustar')
const TAR_MAGIC_OFFSET = 257
const TAR_BLOCK = 512
/** So much of a record with a long name. */
const MAX_LONG_NAME_BYTES = 4096
const ZIP_LOCAL_HEADER = Buffer.from('PK\x03\x04', 'latin1')
const MAGIC: readonly {
  kind: Compression
  signature: Buffer
  matches: (b: Buffer, offset: number) => boolean
}[] = [
  {
    kind: 'gzip',
    signature: Buffer.from([0x1f, 0x8b, 8]),
    matches: (b, offset) => ((b[offset + 3] ?? 0xff) & 0xe0) === 0,
  },
  { kind: 'zstd', signature: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), matches: () => true },
  { kind: 'xz', signature: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), matches: () => true },
  {
    kind: 'bzip2',
    signature: Buffer.from('BZh'),
    matches: (b, offset) => BZIP2_START.test(b.toString('latin1', offset + 3, offset + 10)),
  },
]
// A block's or an empty stream's mark follows the level (bzip2's format has no published name for them).
const BZIP2_START = /^[1-9](?:1AY&SY|\x17rE8P\x90)$/
const PDF_STREAM = Buffer.from('stream')
const PNG_DATA = Buffer.from('IDAT')
/** Heads of zlib with a window of 4 KiB that x86-64's programs are full of: they move registers and constants. */
const X86_FALSE_POSITIVES: ReadonlySet<number> = new Set([0x4889, 0x48c7])

const isZlib = (b: Buffer, offset: number) => {
  const header = b.length > offset + 2 ? b.readUInt16BE(offset) : 0
  return ((header >> 8) & 0x8f) === 8 && header % 31 === 0 && (header & 0x20) === 0
}

/** Where the deflated part of a gzip member begins (RFC 1952): what follows the member is nobody's fault then. */
function gzipMember(content: Buffer, offset: number, budget: Budget): CompressedStream {
  const flags = content[offset + 3] ?? 0
  const skipString = (from: number) => {
    const zero = content.indexOf(0, from)
    const end = zero < 0 ? content.length : zero + 1
    budget.countProbe(end - from)
    return end
  }
  let data = offset + 10
  if (flags & 4 && data + 2 <= content.length) data += 2 + content.readUInt16LE(data)
  const name = data
  if (flags & 8) data = skipString(data)
  const nameEnd = Math.min(data - 1, name + MAX_NAME_BYTES)
  if (flags & 16) data = skipString(data)
  return new GzipMember(content, flags & 2 ? data + 2 : data, name, nameEnd)
}

class GzipMember implements CompressedStream {
  readonly kind = 'gzip'
  readonly offset: number
  readonly #content: Buffer
  readonly #name: number
  readonly #nameEnd: number
  constructor(content: Buffer, offset: number, name: number, nameEnd: number) {
    this.#content = content
    this.offset = offset
    this.#name = name
    this.#nameEnd = nameEnd
  }
  get originalName(): string | undefined {
    return this.#content.toString('latin1', this.#name, this.#nameEnd) || undefined
  }
}

/** What of a stream is tried, and what is made of it at most, in bytes. */
const PROBE_INPUT = 512
const PROBE_OUTPUT = 4096

/** Does deflate begin here? Bytes that are none give themselves away within a few. */
function probeDeflate(content: Buffer, offset: number, budget: Budget, precheck = couldBeDeflate): boolean {
  if (!precheck(content, offset)) return false
  budget.countProbe()
  try {
    const output = inflateRawSync(content.subarray(offset, offset + PROBE_INPUT), {
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: PROBE_OUTPUT,
      maxOutputLength: PROBE_OUTPUT,
    })
    return output.length >= MIN_DECODED_BYTES
  } catch (error) {
    return error instanceof RangeError
  }
}

interface SearchContext {
  readonly budget: Budget
  /** Is it the beginning of what it is a part of? */
  readonly isStart: boolean
  readonly isPng?: boolean
}

/**
 * The compressed streams in `content`, by content and not by name, wherever they begin: archives in archives, parts
 * behind a picture, and entries that an archive's own directory does not list. What a picture shows stays packed.
 */
export function findStreams(content: Buffer, context: SearchContext): CompressedStream[] {
  const found: CompressedStream[] = []
  for (const stream of streamsIn(content, context)) {
    // What is found waits in memory, and is not free even if it is never opened.
    context.budget.countProbe()
    found.push(stream)
  }
  return found.sort((a, b) => a.offset - b.offset)
}

/** Is there one at all? */
export const containsStream = (content: Buffer, budget: Budget): boolean =>
  !streamsIn(content, { budget, isStart: true }).next().done

function* streamsIn(
  content: Buffer,
  { budget, isStart, isPng }: SearchContext,
): Generator<CompressedStream, undefined> {
  for (const { kind, signature, matches } of MAGIC)
    for (
      let offset = content.indexOf(signature);
      offset >= 0;
      offset = content.indexOf(signature, offset + 1)
    )
      if (matches(content, offset))
        yield kind === 'gzip' ? gzipMember(content, offset, budget) : { kind, offset }
  for (
    let offset = content.indexOf(ZIP_LOCAL_HEADER);
    offset >= 0;
    offset = content.indexOf(ZIP_LOCAL_HEADER, offset + 4)
  ) {
    const entry = zipEntry(content, offset)
    if (entry && (entry.method === 8 || probeDeflate(content, entry.offset, budget))) yield entry
  }
  if (isStart && isZlib(content, 0)) yield { kind: 'zlib', offset: 2 }
  if (isStart && content.subarray(0, 1024).includes('%PDF-')) {
    for (
      let offset = content.indexOf(PDF_STREAM);
      offset >= 0;
      offset = content.indexOf(PDF_STREAM, offset + 6)
    ) {
      const data = content[offset + 6] === 13 ? offset + 8 : offset + 7
      if (isZlib(content, data)) yield { kind: 'zlib', offset: data + 2 }
    }
  }
  for (let offset = 0; offset < content.length - 2; offset++)
    if (((content[offset] ?? 0) & 0x8f) === 8 && isZlib(content, offset)) {
      if (isPng && content.subarray(offset - 4, offset).equals(PNG_DATA)) continue
      const precheck = X86_FALSE_POSITIVES.has(content.readUInt16BE(offset))
        ? couldBeDeflatedText
        : couldBeDeflate
      if (probeDeflate(content, offset + 2, budget, precheck)) yield { kind: 'zlib', offset: offset + 2 }
    }
}

const zipEntry = (content: Buffer, header: number) =>
  content.length < header + 30 ? undefined : new ZipEntry(content, header)

/**
 * What a zip's local header says (APPNOTE 4.3.7): programs read the directory, so an entry may be deflated though
 * its header denies it. Stored ones lie open; other methods are found by magic.
 */
class ZipEntry implements CompressedStream, Member {
  readonly kind = 'deflate'
  readonly offset: number
  readonly #content: Buffer
  readonly #head: number
  constructor(content: Buffer, header: number) {
    this.#content = content
    this.#head = header
    this.offset = header + 30 + this.#nameLength + content.readUInt16LE(header + 28)
  }
  get name(): string {
    const name = this.#head + 30
    return this.#content.toString('utf8', name, name + Math.min(this.#nameLength, MAX_NAME_BYTES))
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
  readonly offset: number
  readonly size: number
}

/** The files that lie open in `content`, of tar, and of zip where they are stored, each by what its own head says. */
export function* storedMembers(content: Buffer): Generator<Member> {
  for (
    let offset = content.indexOf(ZIP_LOCAL_HEADER);
    offset >= 0;
    offset = content.indexOf(ZIP_LOCAL_HEADER, offset + 4)
  ) {
    const entry = zipEntry(content, offset)
    if (entry?.method !== 0) continue
    // A size that comes behind the file: it ends where the next head begins.
    const next = entry.size > 0 ? -1 : content.indexOf(ZIP_SIGNATURE, entry.offset)
    yield entry.size > 0
      ? entry
      : {
          name: entry.name,
          offset: entry.offset,
          size: Math.max(0, (next < 0 ? content.length : next) - entry.offset),
        }
  }
  let longName: string | undefined
  for (
    let magicOffset = content.indexOf(TAR_MAGIC);
    magicOffset >= 0;
    magicOffset = content.indexOf(TAR_MAGIC, magicOffset + 1)
  ) {
    const header = magicOffset - TAR_MAGIC_OFFSET
    if (header < 0 || header + TAR_BLOCK > content.length) continue
    const field = (from: number, length: number) =>
      content.toString('latin1', header + from, header + from + length).split('\0', 1)[0] ?? ''
    const data = header + TAR_BLOCK
    const size = Number.parseInt(field(124, 12).trim(), 8) || 0
    const type = field(156, 1)
    if (type === 'L')
      longName = content
        .toString('latin1', data, data + Math.min(size, MAX_LONG_NAME_BYTES))
        .replace(/\0+$/, '')
    else if (type === 'x')
      longName = / path=([^\n]*)\n/.exec(
        content.toString('latin1', data, data + Math.min(size, MAX_LONG_NAME_BYTES)),
      )?.[1]
    else {
      yield { name: longName ?? field(0, 100), offset: data, size }
      longName = undefined
    }
  }
}

/** Does it begin like something that can be unpacked? */
export function startsLikeStream(signature: Buffer): boolean {
  return (
    signature.subarray(0, 4).equals(ZIP_LOCAL_HEADER) ||
    isZlib(signature, 0) ||
    MAGIC.some(
      magic =>
        signature.subarray(0, magic.signature.length).equals(magic.signature) && magic.matches(signature, 0),
    )
  )
}
