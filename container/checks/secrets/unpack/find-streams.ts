import { constants, inflateRawSync } from 'node:zlib'
import type { Budget } from '../bytes/budget.ts'
import { MIN_DECODED_BYTES } from '../bytes/is-text.ts'
import { MAX_NAME_BYTES, ZIP_LOCAL_HEADER, zipEntry } from './archive-members.ts'
import type { CompressedStream, Compression } from './compressed-stream.ts'
import { couldBeDeflate, couldBeDeflatedText } from './deflate-probe.ts'

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
// The magic of a block, or of the end of an empty stream, follows the level. No specification names them.
const BZIP2_START = /^[1-9](?:1AY&SY|\x17rE8P\x90)$/
const PDF_STREAM = Buffer.from('stream')
const PNG_DATA = Buffer.from('IDAT')
/** zlib headers with a window of 4 KiB that occur in x86-64 code as instructions for moving registers and constants. */
const X86_FALSE_POSITIVES: ReadonlySet<number> = new Set([0x4889, 0x48c7])

const isZlib = (b: Buffer, offset: number) => {
  const header = b.length > offset + 2 ? b.readUInt16BE(offset) : 0
  return ((header >> 8) & 0x8f) === 8 && header % 31 === 0 && (header & 0x20) === 0
}

/** Returns the deflated part of a gzip member (RFC 1952), so that neither a wrong trailer nor data after it matters. */
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

/** The input that is inflated for a probe, and the most output, in bytes. */
const PROBE_INPUT = 512
const PROBE_OUTPUT = 4096

/** Returns whether deflate begins here. Other bytes fail within a few. */
function probeDeflate(content: Buffer, offset: number, budget: Budget, precheck = couldBeDeflate): boolean {
  if (!precheck(content, offset)) return false
  budget.countProbe()
  // Nothing reads the stack of a probe's error, which takes longer than the probe.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    const output = inflateRawSync(content.subarray(offset, offset + PROBE_INPUT), {
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: PROBE_OUTPUT,
      maxOutputLength: PROBE_OUTPUT,
    })
    return output.length >= MIN_DECODED_BYTES
  } catch (error) {
    return error instanceof RangeError
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

interface SearchContext {
  readonly budget: Budget
  /** True if `content` is the beginning of its source. */
  readonly isStart: boolean
  readonly isPng?: boolean
}

/**
 * Returns the compressed streams in `content`, wherever they begin, by content and not by name: archives in archives,
 * data appended to a picture, entries that an archive's directory does not list. A PNG's pixels stay compressed. Throws
 * LimitExceeded.
 */
export function findStreams(content: Buffer, context: SearchContext): CompressedStream[] {
  const found: CompressedStream[] = []
  for (const stream of streamsIn(content, context)) {
    // Found streams are held in memory, so they count even if they are never opened.
    context.budget.countProbe()
    found.push(stream)
  }
  return found.sort((a, b) => a.offset - b.offset)
}

/** Returns whether `content` has a compressed stream. */
export const containsStream = (content: Buffer, budget: Budget): boolean =>
  !streamsIn(content, { budget, isStart: true }).next().done

function* streamsIn(
  content: Buffer,
  { budget, isStart, isPng }: SearchContext,
): Generator<CompressedStream, undefined> {
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
  for (let offset = nextStart(content, 0); offset >= 0; offset = nextStart(content, offset + 1)) {
    const stream = streamAt(content, offset, budget)
    if (stream) yield stream
    if (isPng && content.subarray(offset - 4, offset).equals(PNG_DATA)) continue
    if (offset + 2 >= content.length || !isZlib(content, offset)) continue
    const precheck = X86_FALSE_POSITIVES.has(content.readUInt16BE(offset))
      ? couldBeDeflatedText
      : couldBeDeflate
    if (probeDeflate(content, offset + 2, budget, precheck)) yield { kind: 'zlib', offset: offset + 2 }
  }
}

/** Returns the stream with a magic of its own, or the entry of an archive, that begins at an offset. */
function streamAt(content: Buffer, offset: number, budget: Budget): CompressedStream | undefined {
  if (startsWith(content, offset, ZIP_LOCAL_HEADER)) {
    const entry = zipEntry(content, offset)
    return entry && (entry.method === 8 || probeDeflate(content, entry.offset, budget)) ? entry : undefined
  }
  for (const { kind, signature, matches } of MAGIC)
    if (startsWith(content, offset, signature) && matches(content, offset))
      return kind === 'gzip' ? gzipMember(content, offset, budget) : { kind, offset }
  return undefined
}

function startsWith(content: Buffer, offset: number, signature: Buffer): boolean {
  for (let i = 0; i < signature.length; i++) if (content[offset + i] !== signature[i]) return false
  return true
}

/** 1 for each pair of bytes that a stream, an entry of an archive or a zlib header begins with. */
const START_PAIRS = new Uint8Array(1 << 16)
for (const signature of [ZIP_LOCAL_HEADER, ...MAGIC.map(magic => magic.signature)])
  START_PAIRS[signature.readUInt16BE(0)] = 1
for (let pair = 0; pair < START_PAIRS.length; pair++)
  if (isZlib(Buffer.from([pair >> 8, pair & 255, 0]), 0)) START_PAIRS[pair] = 1

/** Returns the next offset with such a pair; -1: there is none. A loop of its own, since V8 optimizes none that yields. */
function nextStart(content: Buffer, from: number): number {
  let pair = content[from] ?? 0
  for (let offset = from + 1; offset < content.length; offset++) {
    pair = ((pair & 255) << 8) | (content[offset] as number)
    if (START_PAIRS[pair] === 1) return offset - 1
  }
  return -1
}

/** Returns whether the bytes begin like a compressed stream. */
export function startsLikeStream(signature: Buffer): boolean {
  if (signature.length < 2 || START_PAIRS[signature.readUInt16BE(0)] !== 1) return false
  return (
    startsWith(signature, 0, ZIP_LOCAL_HEADER) ||
    isZlib(signature, 0) ||
    MAGIC.some(magic => startsWith(signature, 0, magic.signature) && magic.matches(signature, 0))
  )
}
