import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { releaseBuffer } from '../client/release-buffer.ts'
import type { Backend } from '../git/http-backend.ts'
import { logError } from '../process/log.ts'
import { killGroup } from '../process/spawn.ts'
import type { ResponseSource } from './response-source.ts'

/**
 * Size of a read from the file, in bytes. A read and the write of its bytes wake several threads, whose cost does not
 * depend on the size.
 */
const READ_BYTES = 256 << 10

/**
 * A response of git in a file that has no name. Git writes at the speed of the disk, and any number of readers
 * follow, each at its own pace.
 */
export interface Spool {
  /** The size of the response so far, in bytes. */
  readonly bytes: number
  /** False: git or the disk failed, so the response is not to be served again. */
  readonly isUsable: boolean
  /** Returns a reader from the first byte on. */
  read(): ResponseSource
  /** Frees the file after the last reader. Without a reader an unfinished git is killed at once. */
  close(): void
}

/** Starts to copy git's output into a new file. `start` runs git with its whole request. */
export async function startSpool(folder: string, start: () => Backend): Promise<Spool> {
  const path = join(folder, `response-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  await unlink(path)
  return createSpool(file, start())
}

function createSpool(file: FileHandle, backend: Backend): Spool {
  let bytes = 0
  let readers = 0
  let isClosed = false
  let isComplete = false
  let isUsable = true
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const each of [...waiting]) each()
    waiting.clear()
  }
  const fail = (error: unknown) => {
    isUsable = false
    logError('', error)
    killGroup(backend.child)
    backend.stdout.destroy()
  }
  let writing = Promise.resolve()
  const append = async (chunk: Buffer) => {
    await writeAll(file, chunk, bytes)
    bytes += chunk.length
    wake()
    backend.stdout.resume()
  }
  backend.stdout.on('data', (chunk: Buffer) => {
    backend.stdout.pause()
    // A paused pipe can still emit the bytes that it has read already.
    writing = writing.then(() => append(chunk)).catch(fail)
  })
  const ended = backend.ended
    .then(async ({ code, stderr }) => {
      await writing
      isUsable &&= code === 0
      return { stderr }
    })
    .finally(() => {
      isComplete = true
      wake()
      freeIfUnread()
    })
  ended.catch(fail)

  const freeIfUnread = () => {
    if (readers > 0 || (!isClosed && isUsable)) return
    if (isComplete) file.close().catch(() => {})
    else killGroup(backend.child)
  }
  const grows = () => new Promise<void>(resolve => waiting.add(resolve))
  const readFrom: ReadFrom = async (offset, takeBuffer) => {
    while (offset >= bytes && !isComplete) await grows()
    const size = Math.min(READ_BYTES, bytes - offset)
    if (size === 0) return null
    const chunk = takeBuffer()
    const { bytesRead } = await file.read(chunk, 0, size, offset)
    return chunk.subarray(0, bytesRead)
  }
  return {
    get bytes() {
      return bytes
    },
    get isUsable() {
      return isUsable
    },
    read() {
      readers += 1
      const { stdout, ended: left, recycle } = follow(readFrom)
      left.then(() => {
        readers -= 1
        freeIfUnread()
      })
      return {
        stdout,
        recycle,
        ended: Promise.all([ended, left]).then(([end]) => end),
        stop: () => stdout.destroy(),
      }
    },
    close() {
      isClosed = true
      freeIfUnread()
    },
  }
}

async function writeAll(file: FileHandle, chunk: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, offset + done)
    done += bytesWritten
  }
}

/** Reads from an offset into a buffer that it takes once there are bytes. Returns null at the end. */
type ReadFrom = (offset: number, takeBuffer: () => Buffer) => Promise<Buffer | null>

/**
 * Returns a stream that reads until `readFrom` returns null. `ended` resolves when it is closed. The stream reads into
 * the bytes that `recycle` returns to it: new memory costs the kernel more than the read.
 */
function follow(readFrom: ReadFrom): {
  stdout: Readable
  ended: Promise<void>
  recycle: (bytes: Buffer) => void
} {
  let offset = 0
  let spare: Buffer | undefined
  let isClosed = false
  const own = new WeakSet<ArrayBufferLike>()
  const takeBuffer = () => {
    const buffer = spare ?? Buffer.allocUnsafeSlow(READ_BYTES)
    spare = undefined
    own.add(buffer.buffer)
    return buffer
  }
  const stdout = new Readable({
    // A paused stream reads nothing ahead: a reader that waits for its client holds one buffer.
    highWaterMark: 0,
    read() {
      readFrom(offset, takeBuffer).then(
        chunk => {
          offset += chunk?.length ?? 0
          this.push(chunk)
        },
        (error: unknown) => {
          logError('', error)
          this.destroy()
        },
      )
    },
  })
  const recycle = (bytes: Buffer) => {
    // The first bytes are a copy, behind the head of the response.
    const whole = own.has(bytes.buffer) ? Buffer.from(bytes.buffer) : bytes
    if (isClosed || spare || whole === bytes) releaseBuffer(whole)
    else spare = whole
  }
  const ended = new Promise<void>(resolve => stdout.once('close', resolve)).then(() => {
    isClosed = true
    if (spare) releaseBuffer(spare)
  })
  return { stdout, ended, recycle }
}
