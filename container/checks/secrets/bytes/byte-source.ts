import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes that are looked at from several sides; large ones lie in a file, so that memory does not grow with them. */
export interface Source {
  readonly size: number
  read(start: number, length: number): Promise<Buffer>
  dispose(): Promise<void>
}

/** What is held in memory at once, in bytes; and so the most that is decoded in one piece. */
export const SEGMENT_BYTES = 8 << 20

export function memorySource(content: Buffer): Source {
  return {
    size: content.length,
    read: async (start, length) => content.subarray(start, start + length),
    dispose: async () => {},
  }
}

let spoolCount = 0

/** Keeps what `parts` yields: in memory while it is small, in a file of `folder` from then on. */
export async function spool(input: AsyncIterable<Buffer>, folder: string): Promise<Source> {
  const chunks: Buffer[] = []
  let size = 0
  let path: string | undefined
  let file: Awaited<ReturnType<typeof open>> | undefined
  try {
    for await (const chunk of input) {
      size += chunk.length
      if (file) await file.appendFile(chunk)
      else {
        chunks.push(chunk)
        if (size > SEGMENT_BYTES) {
          path = join(folder, `spill-${++spoolCount}`)
          file = await open(path, 'wx', 0o600)
          await file.appendFile(Buffer.concat(chunks))
          chunks.length = 0
        }
      }
    }
  } catch (error) {
    await file?.close()
    if (path) await rm(path, { force: true })
    throw error
  }
  if (!file || !path) return memorySource(Buffer.concat(chunks))
  await file.close()
  return fileSource(path, size)
}

async function fileSource(path: string, size: number): Promise<Source> {
  const file = await open(path, 'r')
  return {
    size,
    async read(start, length) {
      const total = Math.min(length, size - start)
      const buffer = Buffer.alloc(total)
      let filled = 0
      while (filled < total) {
        const { bytesRead } = await file.read(buffer, filled, total - filled, start + filled)
        if (bytesRead === 0) throw new Error('a temporary file is shorter than it was')
        filled += bytesRead
      }
      return buffer
    },
    async dispose() {
      await file.close()
      await rm(path, { force: true })
    },
  }
}
