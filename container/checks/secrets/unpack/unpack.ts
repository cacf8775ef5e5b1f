import { constants, createInflateRaw, inflateRawSync } from 'node:zlib'
import { OverLimit } from '../../limits.ts'
import type { Budget } from '../bytes/budget.ts'
import type { Source } from '../bytes/byte-source.ts'
import { bunzip, Randomised } from './bzip2.ts'
import type { Kind, Packed } from './find-streams.ts'
import { through } from './pipe-chunks.ts'
import { Pieces } from './retryable-input.ts'
import { unxz } from './xz.ts'
import { unzstd, WindowTooLarge } from './zstd.ts'

/**
 * What a compressed stream holds, as far as it can be unpacked: a stream that turns out to be broken, or none at all,
 * ends with what came before. What breaks a decompressor takes with it what came of the same piece of input, so the
 * stream is read again then, up to there, and from there on in shorter pieces.
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
  let known = 0
  for (let pieces: Pieces | undefined = new Pieces(source, packed.at); pieces; ) {
    let length = 0
    try {
      for await (const chunk of decompressor(packed.kind, pieces, signal)) {
        signal.throwIfAborted()
        const fresh = chunk.subarray(Math.max(0, known - length))
        length += chunk.length
        if (fresh.length === 0) continue
        known = length
        budget.spend(fresh.length, path)
        yield Buffer.from(fresh.buffer, fresh.byteOffset, fresh.length)
      }
      return
    } catch (error) {
      if (isBeyondUs(error))
        throw new OverLimit(
          `${path} is packed by ${packed.kind} in a way that the gate cannot unpack`,
          `pack it with ${packed.kind}'s usual settings, or push the files themselves`,
        )
      if (codeOf(error) === CUT_OFF) return
      if (!isBroken(error)) throw error
      const finer = pieces.finer()
      pieces = finer && new Pieces(source, packed.at, finer)
    }
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
  } catch (error) {
    return isBroken(error) ? budget.work(() => untilDamage(input)) : undefined
  }
}

/** What a damaged one holds, to the byte that shows it: what inflates up to some byte does so up to any before it. */
function untilDamage(input: Buffer): Buffer {
  let held = Buffer.alloc(0)
  let [sound, damaged] = [0, input.length]
  while (damaged - sound > 1) {
    const middle = (sound + damaged) >> 1
    try {
      held = inflateRawSync(input.subarray(0, middle), { finishFlush: constants.Z_SYNC_FLUSH })
      sound = middle
    } catch {
      damaged = middle
    }
  }
  return held
}

/** Errors of zlib and zstd have a code; xz-decompress gives xz-embedded's number (linux/xz.h, from XZ_OK on). */
const codeOf = (error: unknown) => {
  if (!(error instanceof Error)) return ''
  const number = /^get_next_output failed with error code (\d)$/.exec(error.message)?.[1]
  return number ? `xz ${number}` : 'code' in error ? String(error.code) : ''
}

/** The input of xz is over: with it, all that came of it has been handed over. */
const CUT_OFF = 'xz 8'

/** The stream is none, or is damaged, or made with a dictionary that is elsewhere. */
const isBroken = (error: unknown) =>
  /^(Z_DATA_ERROR|Z_NEED_DICT|ZSTD_error_(?!memory|workSpace)\w+|xz [57])$/.test(codeOf(error))

/** The stream is whole, and wants a filter or a check that the library lacks, or too large a window. */
const isBeyondUs = (error: unknown) =>
  error instanceof WindowTooLarge || error instanceof Randomised || /^xz [246]$/.test(codeOf(error))

function decompressor(kind: Kind, pieces: Pieces, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if (kind === 'bzip2') return bunzip(pieces, signal)
  if (kind === 'xz') return unxz(pieces)
  if (kind === 'zstd') return unzstd(pieces)
  return through(createInflateRaw(), pieces)
}
