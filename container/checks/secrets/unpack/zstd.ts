import { createZstdDecompress } from 'node:zlib'
import { pipeChunks } from './pipe-chunks.ts'

/**
 * The largest window that zstd accepts by default, in bytes, and its descriptor in a frame's header (RFC 8878,
 * 3.1.1.1.2).
 */
const DEFAULT_WINDOW = 128 << 20
const DEFAULT_WINDOW_DESCRIPTOR = 17 << 3

/** The frame needs a larger window than the default. */
export class WindowTooLarge extends Error {}

/**
 * Unpacks a zstd stream. A frame that asks for a window above the default gets the default, which is enough for all
 * content that is no longer. Throws WindowTooLarge when the content is longer.
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

/** Clears the checksum flag: a wrong checksum would lose the last block, and an unread one is data after the frame. */
function withoutChecksum(frame: Buffer): Buffer {
  const changed = Buffer.from(frame)
  if (frame.length > 4) changed.writeUInt8(frame.readUInt8(4) & ~4, 4)
  return changed
}

/** The longest frame header, in bytes. */
const MAX_HEADER = 18
/** The length of the dictionary id in bytes, by the last two bits of the descriptor. */
const DICTIONARY_ID = [0, 1, 2, 4]

/**
 * Returns the beginning of a frame (RFC 8878, 3.1.1.1) with the default window. Undefined: the frame asks for no larger
 * window.
 */
function clampWindow(frame: Buffer): Buffer | undefined {
  const header = Buffer.alloc(MAX_HEADER)
  frame.copy(header)
  const descriptor = header.readUInt8(4)
  const isSingleSegment = (descriptor & 0x20) !== 0
  if (
    isSingleSegment ? contentSize(header) <= DEFAULT_WINDOW : header.readUInt8(5) <= DEFAULT_WINDOW_DESCRIPTOR
  )
    return undefined
  // A frame of a single segment has no window byte: its window is as large as its content.
  return Buffer.concat([
    header.subarray(0, 4),
    Buffer.from([descriptor & ~0x20, DEFAULT_WINDOW_DESCRIPTOR]),
    frame.subarray(isSingleSegment ? 5 : 6),
  ])
}

/** Returns the frame's content size in bytes, or 0 where it is too small to matter. */
function contentSize(header: Buffer): bigint | number {
  const descriptor = header.readUInt8(4)
  const offset = 5 + (DICTIONARY_ID[descriptor & 3] ?? 0)
  if (descriptor >> 6 === 3) return header.readBigUInt64LE(offset)
  return descriptor >> 6 === 2 ? header.readUInt32LE(offset) : 0
}
