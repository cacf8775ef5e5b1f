import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'
import xz from 'xz-decompress'
import { inBytes, type Limits, OverLimit } from '../limits.ts'
import { bunzip } from './bunzip.ts'
import type { Source } from './source.ts'

type Kind = 'gzip' | 'zlib' | 'deflate' | 'zstd' | 'xz' | 'bzip2'

/** Something compressed inside a file: where its stream begins, and the name an archive gives it. */
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

const isZlib = (b: Buffer, at: number) => {
  const head = b.length > at + 2 ? b.readUInt16BE(at) : 0
  return ((head >> 8) & 0x8f) === 8 && head % 31 === 0 && (head & 0x20) === 0
}

/**
 * The compressed streams in `content`, by content and not by name, wherever they begin: archives in archives, parts
 * behind a picture, and entries that an archive's own directory does not list.
 */
export function packedIn(content: Buffer, isStart: boolean): Packed[] {
  const found: Packed[] = []
  for (const { kind, start, fits } of MAGIC)
    for (let at = content.indexOf(start); at >= 0; at = content.indexOf(start, at + 1))
      if (fits(content, at)) found.push({ kind, at })
  for (let at = content.indexOf(ZIP); at >= 0; at = content.indexOf(ZIP, at + 4)) {
    const entry = zipEntry(content, at)
    if (entry) found.push(entry)
  }
  if (isStart && isZlib(content, 0)) found.push({ kind: 'zlib', at: 0 })
  if (isStart && content.subarray(0, 1024).includes('%PDF-')) {
    for (let at = content.indexOf(PDF_STREAM); at >= 0; at = content.indexOf(PDF_STREAM, at + 6)) {
      const data = content[at + 6] === 13 ? at + 8 : at + 7
      if (isZlib(content, data)) found.push({ kind: 'zlib', at: data })
    }
  }
  return found.sort((a, b) => a.at - b.at)
}

/** A deflated entry by its local header (APPNOTE 4.3.7). Stored ones lie open; other methods are found by magic. */
function zipEntry(content: Buffer, at: number): Packed | undefined {
  if (content.length < at + 30) return undefined
  const encrypted = (content.readUInt16LE(at + 6) & 1) === 1
  const nameLength = content.readUInt16LE(at + 26)
  const extraLength = content.readUInt16LE(at + 28)
  if (encrypted || content.readUInt16LE(at + 8) !== 8) return undefined
  const name = content.toString('utf8', at + 30, at + 30 + Math.min(nameLength, 512))
  return { kind: 'deflate', at: at + 30 + nameLength + extraLength, name }
}

/** Does it begin like something that can be unpacked? */
export function isPacked(start: Buffer): boolean {
  return (
    start.subarray(0, 4).equals(ZIP) ||
    isZlib(start, 0) ||
    MAGIC.some(magic => start.subarray(0, magic.start.length).equals(magic.start) && magic.fits(start, 0))
  )
}

/** What a push may still unpack; shared by everything in it. */
export class Budget {
  readonly #limits: Limits
  #bytes = 0
  #streams = 0
  constructor(limits: Limits) {
    this.#limits = limits
  }
  open(depth: number, path: string): void {
    if (depth > this.#limits.maxDepth)
      throw new OverLimit(
        `${path} is packed more than ${this.#limits.maxDepth} times over`,
        'push the files themselves, or fewer layers of archives',
      )
    if (++this.#streams > this.#limits.maxUnpacks)
      throw new OverLimit(
        `its archives hold more than ${this.#limits.maxUnpacks} files`,
        'push the files themselves, or smaller archives',
      )
  }
  spend(bytes: number, path: string): void {
    this.#bytes += bytes
    if (this.#bytes > this.#limits.maxUnpackedBytes)
      throw new OverLimit(
        `${path} and its other archives unpack to more than ${inBytes(this.#limits.maxUnpackedBytes)}`,
        'push smaller archives, or the files themselves',
      )
  }
}

/**
 * What a compressed stream holds, as far as it can be unpacked: a stream that turns out to be broken, or none at all,
 * ends with what came before.
 */
export async function* unpack(
  source: Source,
  packed: Packed,
  budget: Budget,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const input = source.stream(packed.at)
  const output = decompressor(packed.kind, input, signal)
  try {
    for await (const chunk of output) {
      signal.throwIfAborted()
      budget.spend(chunk.length, path)
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    }
  } catch (error) {
    if (error instanceof OverLimit || signal.aborted) throw error
  } finally {
    input.destroy()
  }
}

function decompressor(kind: Kind, input: Readable, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if (kind === 'bzip2') return bunzip(input, signal)
  if (kind === 'xz') {
    const compressed = Readable.toWeb(input) as ReadableStream<Uint8Array>
    return new xz.XzReadableStream(compressed as never) as unknown as ReadableStream<Uint8Array>
  }
  const stream = {
    gzip: createGunzip,
    zlib: createInflate,
    deflate: createInflateRaw,
    zstd: createZstdDecompress,
  }[kind]()
  input.on('error', error => stream.destroy(error))
  return input.pipe(stream)
}
