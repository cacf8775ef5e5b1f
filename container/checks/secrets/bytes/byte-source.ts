import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'

/** Bytes that are looked at from several sides; large ones lie in a file, so that memory does not grow with them. */
export interface Source {
  readonly size: number
  read(start: number, length: number): Promise<Buffer>
  stream(start: number): Readable
  dispose(): Promise<void>
}

/** What is held in memory at once, in bytes; and so the most that is decoded in one piece. */
export const SEGMENT = 8 << 20

export function inMemory(content: Buffer): Source {
  return {
    size: content.length,
    read: async (start, length) => content.subarray(start, start + length),
    stream: start => Readable.from(pieces(content.subarray(start)), { objectMode: false }),
    dispose: async () => {},
  }
}

function* pieces(content: Buffer) {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536)
}

let spilled = 0

/** Keeps what `parts` yields: in memory while it is small, in a file of `folder` from then on. */
export async function collect(parts: AsyncIterable<Buffer>, folder: string): Promise<Source> {
  const held: Buffer[] = []
  let size = 0
  let path: string | undefined
  let file: Awaited<ReturnType<typeof open>> | undefined
  try {
    for await (const part of parts) {
      size += part.length
      if (file) await file.appendFile(part)
      else {
        held.push(part)
        if (size > SEGMENT) {
          path = join(folder, `spill-${++spilled}`)
          file = await open(path, 'wx', 0o600)
          await file.appendFile(Buffer.concat(held))
          held.length = 0
        }
      }
    }
  } catch (error) {
    await file?.close()
    if (path) await rm(path, { force: true })
    throw error
  }
  if (!file || !path) return inMemory(Buffer.concat(held))
  await file.close()
  return inFile(path, size)
}

async function inFile(path: string, size: number): Promise<Source> {
  const file = await open(path, 'r')
  return {
    size,
    async read(start, length) {
      const wanted = Math.min(length, size - start)
      const buffer = Buffer.alloc(wanted)
      let got = 0
      while (got < wanted) {
        const { bytesRead } = await file.read(buffer, got, wanted - got, start + got)
        if (bytesRead === 0) throw new Error('a temporary file is shorter than it was')
        got += bytesRead
      }
      return buffer
    },
    stream: start => createReadStream(path, { start }),
    async dispose() {
      await file.close()
      await rm(path, { force: true })
    },
  }
}
