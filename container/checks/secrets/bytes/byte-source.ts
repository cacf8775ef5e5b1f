import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { joined } from '../../objects/byte-reader.ts'

/** Bytes that can be read more than once. A large source is a temporary file, so that memory does not grow with it. */
export interface Source {
  readonly size: number
  read(start: number, length: number): Promise<Buffer>
  dispose(): Promise<void>
}

/** The bytes of a source that are held in memory at once, and so the longest part that is decoded in one piece. */
export const SEGMENT_BYTES = 8 << 20

export function memorySource(content: Buffer): Source {
  return {
    size: content.length,
    read: async (start, length) => content.subarray(start, start + length),
    dispose: async () => {},
  }
}

/** A content of at most one segment that is read when it is needed. */
export function lazySource(size: number, load: () => Promise<Buffer>): Source {
  let content: Promise<Buffer> | undefined
  return {
    size,
    async read(start, length) {
      content ??= load()
      return (await content).subarray(start, start + length)
    },
    dispose: async () => {},
  }
}

let spoolCount = 0

/** Reads `input` to its end: into memory up to one segment, and into a temporary file in `folder` beyond. */
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
  if (!file || !path) return memorySource(joined(chunks))
  await file.close()
  return fileSource(path, size)
}

/** Opens a file as a source. `keep`: disposing the source does not remove the file. */
export async function fileSource(
  path: string,
  size: number,
  { keep = false }: { keep?: boolean } = {},
): Promise<Source> {
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
      if (!keep) await rm(path, { force: true })
    },
  }
}
