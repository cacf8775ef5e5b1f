import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { createInflateRaw, inflateRawSync } from 'node:zlib'
import xz from 'xz-decompress'
import { OverLimit } from '../limits.ts'
import type { Budget } from './budget.ts'
import { bunzip } from './bunzip.ts'
import type { Kind, Packed } from './packed.ts'
import type { Source } from './source.ts'
import { unzstd, WindowTooLarge } from './unzstd.ts'

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
  const short = await ifShort(source, packed, budget)
  if (short) {
    budget.spend(short.length, path)
    yield short
    return
  }
  const input = source.stream(packed.at)
  let unread: Error | undefined
  input.on('error', error => {
    unread = error
  })
  try {
    for await (const chunk of decompressor(packed.kind, input, signal)) {
      signal.throwIfAborted()
      budget.spend(chunk.length, path)
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    }
  } catch (error) {
    if (unread) throw unread
    if (isBeyondUs(error))
      throw new OverLimit(
        `${path} is packed by ${packed.kind} in a way that the gate cannot unpack`,
        `pack it with ${packed.kind}'s usual settings, or push the files themselves`,
      )
    if (!isBroken(error)) throw error
  } finally {
    input.destroy()
  }
}

const DEFLATED: ReadonlySet<Kind> = new Set(['gzip', 'zlib', 'deflate'])

/** A deflated stream is short when it is, and holds, no more than so many bytes. */
const SHORT = 16 << 10

/** What a short one holds, at once: to set up a stream for it takes ten times as long. Undefined where it is none. */
async function ifShort(source: Source, { kind, at }: Packed, budget: Budget): Promise<Buffer | undefined> {
  if (!DEFLATED.has(kind) || at >= source.size) return undefined
  const input = await source.read(at, Math.min(SHORT, source.size - at))
  try {
    return budget.work(() => inflateRawSync(input, { maxOutputLength: SHORT }))
  } catch {
    return undefined
  }
}

/** Errors of zlib and zstd have a code; xz-decompress gives xz-embedded's number (linux/xz.h, from XZ_OK on). */
const codeOf = (error: unknown) => {
  if (!(error instanceof Error)) return ''
  const number = /^get_next_output failed with error code (\d)$/.exec(error.message)?.[1]
  return number ? `xz ${number}` : 'code' in error ? String(error.code) : ''
}

/** The stream is none, or is damaged, cut off, or made with a dictionary that is elsewhere. */
const isBroken = (error: unknown) =>
  /^(Z_DATA_ERROR|Z_BUF_ERROR|Z_NEED_DICT|ZSTD_error_(?!memory|workSpace)\w+|xz [578])$/.test(codeOf(error))

/** The stream is whole, and wants a filter or a check that the library lacks, or too large a window. */
const isBeyondUs = (error: unknown) => error instanceof WindowTooLarge || /^xz [246]$/.test(codeOf(error))

function decompressor(kind: Kind, input: Readable, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if (kind === 'bzip2') return bunzip(input, signal)
  if (kind === 'xz') {
    const compressed = Readable.toWeb(input) as ReadableStream<Uint8Array>
    return new xz.XzReadableStream(compressed as never) as unknown as ReadableStream<Uint8Array>
  }
  if (kind === 'zstd') return unzstd(input)
  const stream = createInflateRaw()
  input.on('error', error => stream.destroy(error))
  return input.pipe(stream)
}
