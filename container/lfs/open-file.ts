import { fstatSync } from 'node:fs'
import { open } from 'node:fs/promises'

/** The bytes of a file that are in memory at once for one reader. */
const CHUNK_BYTES = 256 << 10

export interface OpenFile extends AsyncDisposable {
  /** In bytes, when it was opened. */
  readonly size: number
  /** Returns up to `maxBytes` bytes from an offset, and at least one. */
  read(offset: number, maxBytes: number): Promise<Buffer>
}

/** Opens the first of these paths that exists: an object moves when it is complete. */
export async function openFile(...paths: readonly string[]): Promise<OpenFile> {
  const [path = '', ...others] = paths
  const file = await open(path, 'r').catch(error => {
    if (others.length === 0) throw error
    return open(others[0] ?? '', 'r')
  })
  return {
    // Of an open file this waits for no disk.
    size: fstatSync(file.fd).size,
    async read(offset, maxBytes) {
      // Not from Node's pool: the buffer is released once it is written.
      const buffer = Buffer.allocUnsafeSlow(Math.min(maxBytes, CHUNK_BYTES))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset)
      if (bytesRead === 0) throw new Error('a stored LFS object is shorter than it was')
      return bytesRead === buffer.length ? buffer : Buffer.from(buffer.subarray(0, bytesRead))
    },
    [Symbol.asyncDispose]: () => file.close(),
  }
}

/** Yields all bytes of a file, which stays open. */
export async function* readWhole(file: OpenFile): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < file.size; ) {
    const bytes = await file.read(offset, file.size - offset)
    offset += bytes.length
    yield bytes
  }
}
