import { createZstdDecompress } from 'node:zlib'
import { pipeChunks } from './pipe-chunks.ts'

/** The largest window that zstd opens unasked, in bytes; and how a frame's head says so (RFC 8878, 3.1.1.1.2). */
const DEFAULT_WINDOW = 128 << 20
const DEFAULT_WINDOW_DESCRIPTOR = 17 << 3

/** The frame goes on beyond the usual window and asks for a larger one. */
export class WindowTooLarge extends Error {}

/**
 * What a stream of zstd holds. A frame that asks for a larger window than the usual one gets that one, which does for
 * all that is no longer; what goes on beyond it throws WindowTooLarge.
 */
export async function* unzstd(chunks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  let isClamped = false
  const clamped = async function* () {
    let isFirst = true
    for await (const chunk of chunks) {
      const header = isFirst ? clampWindow(chunk) : undefined
      isClamped ||= header !== undefined
      yield isFirst ? withoutChecksum(header ?? chunk) : chunk
      isFirst = false
    }
  }
  let length = 0
  for await (const chunk of pipeChunks(createZstdDecompress(), clamped())) {
    length += chunk.length
    if (isClamped && length > DEFAULT_WINDOW) throw new WindowTooLarge()
    yield chunk
  }
}

/** A wrong checksum would take the last block with it; unasked for, it is something behind the frame. */
function withoutChecksum(frame: Buffer): Buffer {
  const changed = Buffer.from(frame)
  if (frame.length > 4) changed.writeUInt8(frame.readUInt8(4) & ~4, 4)
  return changed
}

/** The longest head of a frame, in bytes. */
const MAX_HEADER = 18
/** How long the field of a dictionary's id is, by the last two bits of the descriptor. */
const DICTIONARY_ID = [0, 1, 2, 4]

/** A frame's beginning (RFC 8878, 3.1.1.1) with the usual window; undefined: it asks for no larger one. */
function clampWindow(frame: Buffer): Buffer | undefined {
  const header = Buffer.alloc(MAX_HEADER)
  frame.copy(header)
  const descriptor = header.readUInt8(4)
  const isSingleSegment = (descriptor & 0x20) !== 0
  if (
    isSingleSegment ? contentSize(header) <= DEFAULT_WINDOW : header.readUInt8(5) <= DEFAULT_WINDOW_DESCRIPTOR
  )
    return undefined
  // Of one segment, the window is as large as what the frame holds, and has no byte of its own.
  return Buffer.concat([
    header.subarray(0, 4),
    Buffer.from([descriptor & ~0x20, DEFAULT_WINDOW_DESCRIPTOR]),
    frame.subarray(isSingleSegment ? 5 : 6),
  ])
}

/** In bytes; 0 where it is too small to matter. */
function contentSize(header: Buffer): bigint | number {
  const descriptor = header.readUInt8(4)
  const offset = 5 + (DICTIONARY_ID[descriptor & 3] ?? 0)
  if (descriptor >> 6 === 3) return header.readBigUInt64LE(offset)
  return descriptor >> 6 === 2 ? header.readUInt32LE(offset) : 0
}
