import { PushEvent } from './push-event.ts'

/** The content type of the companion's response to a push: a stream of frames. */
export const PUSH_FRAMES = 'application/x-git-gate-push-frames'

/** A frame. On the wire: a type byte, the payload's length in four bytes (big-endian), and the payload. */
export type Frame =
  /** Bytes of git's response, for the client. */
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  /** An event of the push, for the ledger. */
  | { readonly type: 'event'; readonly event: PushEvent }
  /** A keepalive of the companion. */
  | { readonly type: 'alive' }

/** Invalid bytes in a stream of frames, or a payload over MAX_FRAME_BYTES. */
export class FrameError extends Error {}

const BYTES = 1
const EVENT = 2
const ALIVE = 3
const HEADER_BYTES = 5

/** The limit of a payload, in bytes. The report of a push fits into a row of D1, and thus into a frame. */
const MAX_FRAME_BYTES = 8 << 20

/** The interval of `alive` frames, in milliseconds. */
export const ALIVE_MS = 10_000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Encodes a frame. Throws FrameError if the payload is over MAX_FRAME_BYTES. */
export function writeFrame(frame: Frame): Uint8Array {
  const [type, payload] = parts(frame)
  if (payload.length > MAX_FRAME_BYTES) throw new FrameError(`a frame of ${payload.length} bytes is too long`)
  const written = new Uint8Array(HEADER_BYTES + payload.length)
  written[0] = type
  new DataView(written.buffer).setUint32(1, payload.length)
  written.set(payload, HEADER_BYTES)
  return written
}

function parts(frame: Frame): [number, Uint8Array] {
  if (frame.type === 'bytes') return [BYTES, frame.bytes]
  if (frame.type === 'event') return [EVENT, encoder.encode(JSON.stringify(frame.event))]
  return [ALIVE, new Uint8Array()]
}

/** Decodes frames from chunks of any size. */
export class FrameReader {
  #chunks: Uint8Array[] = []
  #held = 0

  /** Adds a chunk, and returns the frames that it completes. Throws FrameError on invalid bytes. */
  push(chunk: Uint8Array): Frame[] {
    this.#chunks.push(chunk)
    this.#held += chunk.length
    const frames: Frame[] = []
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame)
    return frames
  }

  /** True if a frame has begun and is not complete. */
  get isPartial(): boolean {
    return this.#held > 0
  }

  #next(): Frame | undefined {
    if (this.#held < HEADER_BYTES) return undefined
    const head = this.#peek(HEADER_BYTES)
    const length = new DataView(head.buffer, head.byteOffset).getUint32(1)
    if (length > MAX_FRAME_BYTES) throw new FrameError(`a frame of ${length} bytes is too long`)
    if (this.#held < HEADER_BYTES + length) return undefined
    const whole = this.#peek(HEADER_BYTES + length)
    const remaining = this.#chunks[0]?.subarray(whole.length) ?? new Uint8Array()
    this.#chunks.splice(0, 1, ...(remaining.length ? [remaining] : []))
    this.#held -= whole.length
    return readFrame(whole[0] ?? 0, whole.subarray(HEADER_BYTES))
  }

  /** Returns the next `count` bytes without consuming them, and leaves them together in the first chunk. */
  #peek(count: number): Uint8Array {
    const [first] = this.#chunks
    if (first && first.length >= count) return first.subarray(0, count)
    const joined = new Uint8Array(this.#held)
    let offset = 0
    for (const chunk of this.#chunks) {
      joined.set(chunk, offset)
      offset += chunk.length
    }
    this.#chunks = [joined]
    return joined.subarray(0, count)
  }
}

function readFrame(type: number, payload: Uint8Array): Frame {
  if (type === BYTES) return { type: 'bytes', bytes: payload }
  if (type === ALIVE) return { type: 'alive' }
  if (type !== EVENT) throw new FrameError(`there is no frame of type ${type}`)
  let json: unknown
  try {
    json = JSON.parse(decoder.decode(payload))
  } catch {
    throw new FrameError('an event is not JSON')
  }
  const read = PushEvent.safeParse(json)
  if (!read.success) throw new FrameError('an event is not known')
  return { type: 'event', event: read.data }
}
