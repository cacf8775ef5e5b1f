import { createHash } from 'node:crypto'
import { type FileHandle, rm } from 'node:fs/promises'
import type { LfsObject, Oid } from '../../src/contract/lfs.ts'
import { releaseBuffer } from '../client/release-buffer.ts'

/** An object that is being written. */
export interface IncomingObject {
  readonly path: string
  /**
   * Takes the next bytes, which go to the file with those that follow them, and frees them. Resolves with the piece that
   * has gone to the file, if it is full. Rejects with WrongObject when there are more than the object's size.
   */
  write(bytes: Buffer): Promise<Buffer | undefined>
  /** The bytes in the file. */
  readonly written: number
  /** Writes the rest, and checks size and hash. Resolves with the last piece. Rejects with WrongObject. */
  finish(): Promise<Buffer | undefined>
  /** Adds the finished object to the stored objects. */
  keep(): Promise<void>
  /** Removes the temporary file, unless the object was kept. */
  discard(): Promise<void>
}

/** The bytes are not those of the object. */
export class WrongObject extends Error {}

/** The object does not fit beside the objects that are in use. */
export class StoreFull extends Error {}

/** The part of the store that an incoming object reports to. */
interface Room {
  wrote(bytes: number): void
  release(written: number): void
  keep(): Promise<void>
}

/** The bytes that are written in one piece: each write to the file is a task of another thread. */
export const PIECE_BYTES = 256 << 10

/** The longest time that bytes wait for a piece to be full, in milliseconds: a reader may follow a slow transfer. */
const PIECE_MS = 1_000

export function createIncomingObject(
  { oid, size }: LfsObject,
  path: string,
  file: FileHandle,
  room: Room,
): IncomingObject {
  const hash = createHash('sha256')
  let waiting: Buffer[] = []
  let waitingSince = 0
  let received = 0
  let written = 0
  let isOpen = true
  let isOver = false
  const close = async () => {
    if (isOpen) await file.close()
    isOpen = false
  }
  const end = () => {
    if (!isOver) room.release(written)
    isOver = true
  }
  const flush = async () => {
    const chunks = waiting
    waiting = []
    const [first] = chunks
    if (!first) return undefined
    const bytes = chunks.length === 1 ? first : Buffer.concat(chunks)
    if (bytes !== first) for (const chunk of chunks) releaseBuffer(chunk)
    try {
      for (let offset = 0; offset < bytes.length; ) offset += (await file.write(bytes, offset)).bytesWritten
    } catch (error) {
      throw asStoreFull(error)
    }
    written += bytes.length
    room.wrote(bytes.length)
    return bytes
  }
  return {
    path,
    get written() {
      return written
    },
    async write(bytes) {
      if (received + bytes.length > size)
        throw new WrongObject(`it is longer than the ${size} bytes that were announced`)
      hash.update(bytes)
      received += bytes.length
      const now = performance.now()
      if (waiting.length === 0) waitingSince = now
      waiting.push(bytes)
      return received - written >= PIECE_BYTES || now - waitingSince > PIECE_MS ? flush() : undefined
    },
    async finish() {
      const rest = await flush()
      await close()
      if (written !== size) throw new WrongObject(`it has ${written} bytes, and ${size} were announced`)
      if ((hash.digest('hex') as Oid) !== oid)
        throw new WrongObject('its SHA-256 is not the id of the object')
      return rest
    },
    async keep() {
      if (isOver) return
      await room.keep()
      end()
    },
    async discard() {
      await close().catch(() => {})
      if (isOver) return
      await rm(path, { force: true })
      end()
    },
  }
}

/** Something else may have filled the disk since the object's room was reserved. */
export const asStoreFull = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ENOSPC' ? new StoreFull() : error
