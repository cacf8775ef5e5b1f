import { constants, createInflateRaw, inflateRawSync } from 'node:zlib'
import { LimitExceeded } from '../../limits.ts'
import type { Budget } from '../bytes/budget.ts'
import type { Source } from '../bytes/byte-source.ts'
import { RandomisedBlock, unbzip2 } from './bzip2.ts'
import type { CompressedStream, Compression } from './compressed-stream.ts'
import { pipeChunks } from './pipe-chunks.ts'
import { RetryableInput } from './retryable-input.ts'
import { unxz } from './xz.ts'
import { unzstd, WindowTooLarge } from './zstd.ts'

/**
 * Yields the unpacked bytes of a compressed stream. A corrupt stream ends with the bytes before the error. An error in
 * a decompressor loses the output of the same input chunk, so the stream is read again in shorter chunks from there on.
 * Throws LimitExceeded for a valid stream that the gate cannot unpack.
 */
export async function* unpack(
  source: Source,
  stream: CompressedStream,
  budget: Budget,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const short = await inflateShort(source, stream, budget)
  if (short) {
    budget.addBytes(short.length, path)
    yield short
    return
  }
  let yieldedBytes = 0
  for (let input: RetryableInput | undefined = new RetryableInput(source, stream.offset); input; ) {
    let length = 0
    try {
      for await (const chunk of decompressor(stream.kind, input, signal)) {
        signal.throwIfAborted()
        const newBytes = chunk.subarray(Math.max(0, yieldedBytes - length))
        length += chunk.length
        if (newBytes.length === 0) continue
        yieldedBytes = length
        budget.addBytes(newBytes.length, path)
        yield Buffer.from(newBytes.buffer, newBytes.byteOffset, newBytes.length)
      }
      return
    } catch (error) {
      if (isUnsupported(error))
        throw new LimitExceeded(
          `${path} is packed by ${stream.kind} in a way that the gate cannot unpack`,
          `pack it with ${stream.kind}'s usual settings, or push the files themselves`,
        )
      if (errorCode(error) === XZ_TRUNCATED) return
      if (!isCorrupt(error)) throw error
      const retryFrom = input.retryFrom()
      input = retryFrom && new RetryableInput(source, stream.offset, retryFrom)
    }
  }
}

const DEFLATED: ReadonlySet<Compression> = new Set(['gzip', 'zlib', 'deflate'])

/** The largest input and output of a deflated stream that is inflated at once, in bytes. */
const MAX_SHORT_BYTES = 16 << 10

/**
 * Inflates a short stream at once, since setting up a zlib stream takes ten times as long. Undefined: it is not short.
 */
async function inflateShort(
  source: Source,
  { kind, offset }: CompressedStream,
  budget: Budget,
): Promise<Buffer | undefined> {
  if (!DEFLATED.has(kind) || offset >= source.size) return undefined
  const input = await source.read(offset, Math.min(MAX_SHORT_BYTES, source.size - offset))
  try {
    return budget.timed(() => inflateRawSync(input, { maxOutputLength: MAX_SHORT_BYTES }))
  } catch (error) {
    return isCorrupt(error) ? budget.timed(() => inflateUntilError(input)) : undefined
  }
}

/**
 * Inflates a corrupt stream up to the byte that shows the error. Input that inflates up to a byte does so up to any
 * byte before it, so the byte is found by bisection.
 */
function inflateUntilError(input: Buffer): Buffer {
  let inflated = Buffer.alloc(0)
  let [validLength, invalidLength] = [0, input.length]
  while (invalidLength - validLength > 1) {
    const middle = (validLength + invalidLength) >> 1
    try {
      inflated = inflateRawSync(input.subarray(0, middle), { finishFlush: constants.Z_SYNC_FLUSH })
      validLength = middle
    } catch {
      invalidLength = middle
    }
  }
  return inflated
}

/**
 * Returns the error code of zlib and zstd, or the number of xz-embedded's error that xz-decompress prints (linux/xz.h,
 * from XZ_OK on).
 */
const errorCode = (error: unknown) => {
  if (!(error instanceof Error)) return ''
  const number = /^get_next_output failed with error code (\d)$/.exec(error.message)?.[1]
  return number ? `xz ${number}` : 'code' in error ? String(error.code) : ''
}

/** xz's input has ended. All output has been yielded before. */
const XZ_TRUNCATED = 'xz 8'

/** The stream is corrupt, or not a stream at all, or needs a dictionary that is not in it. */
const isCorrupt = (error: unknown) =>
  /^(Z_DATA_ERROR|Z_NEED_DICT|ZSTD_error_(?!memory|workSpace)\w+|xz [57])$/.test(errorCode(error))

/** The stream is valid, but needs a filter or a check that the library lacks, or too large a window. */
const isUnsupported = (error: unknown) =>
  error instanceof WindowTooLarge || error instanceof RandomisedBlock || /^xz [246]$/.test(errorCode(error))

function decompressor(
  kind: Compression,
  input: RetryableInput,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  if (kind === 'bzip2') return unbzip2(input, signal)
  if (kind === 'xz') return unxz(input)
  if (kind === 'zstd') return unzstd(input)
  return pipeChunks(createInflateRaw(), input)
}
