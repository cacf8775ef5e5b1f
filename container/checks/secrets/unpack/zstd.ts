import { createZstdDecompress } from 'node:zlib'
import { through } from './pipe-chunks.ts'

/** The largest window that zstd opens unasked, in bytes; and how a frame's head says so (RFC 8878, 3.1.1.1.2). */
const USUAL_WINDOW = 128 << 20
const USUAL_WINDOW_BYTE = 17 << 3

/** The frame goes on beyond the usual window and asks for a larger one. */
export class WindowTooLarge extends Error {}

/**
 * What a stream of zstd holds. A frame that asks for a larger window than the usual one gets that one, which does for
 * all that is no longer; what goes on beyond it throws WindowTooLarge.
 */
export async function* unzstd(pieces: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  let isWide = false
  const usual = async function* () {
    let isHead = true
    for await (const piece of pieces) {
      const head = isHead ? withUsualWindow(piece) : undefined
      isWide ||= head !== undefined
      yield isHead ? withoutChecksum(head ?? piece) : piece
      isHead = false
    }
  }
  let length = 0
  for await (const chunk of through(createZstdDecompress(), usual())) {
    length += chunk.length
    if (isWide && length > USUAL_WINDOW) throw new WindowTooLarge()
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
const HEAD = 18
/** How long the field of a dictionary's id is, by the last two bits of the descriptor. */
const DICTIONARY_ID = [0, 1, 2, 4]

/** A frame's beginning (RFC 8878, 3.1.1.1) with the usual window; undefined: it asks for no larger one. */
function withUsualWindow(frame: Buffer): Buffer | undefined {
  const head = Buffer.alloc(HEAD)
  frame.copy(head)
  const descriptor = head.readUInt8(4)
  const isOneSegment = (descriptor & 0x20) !== 0
  if (isOneSegment ? sizeOfContent(head) <= USUAL_WINDOW : head.readUInt8(5) <= USUAL_WINDOW_BYTE)
    return undefined
  // Of one segment, the window is as large as what the frame holds, and has no byte of its own.
  return Buffer.concat([
    head.subarray(0, 4),
    Buffer.from([descriptor & ~0x20, USUAL_WINDOW_BYTE]),
    frame.subarray(isOneSegment ? 5 : 6),
  ])
}

/** In bytes; 0 where it is too small to matter. */
function sizeOfContent(head: Buffer): bigint | number {
  const descriptor = head.readUInt8(4)
  const at = 5 + (DICTIONARY_ID[descriptor & 3] ?? 0)
  if (descriptor >> 6 === 3) return head.readBigUInt64LE(at)
  return descriptor >> 6 === 2 ? head.readUInt32LE(at) : 0
}
