import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import type { Git } from '../git.ts'
import { findInPacks, objectFolders, PACKED, type PackEntry, readPack } from './pack-entry.ts'

/** From this size on, git's start and the way through its pipe take longer than reading the file. */
export const LARGE_BLOB_BYTES = 256 << 10

/** A compressed text may be a little longer than the text. */
const MAX_GROWTH = 4096

const inflated = promisify(inflate)
/** Inflates in one piece. zlib asks for another as soon as a piece is full, so it is a little longer. */
const inflateTo = (bytes: Buffer, length: number) =>
  inflated(bytes, { chunkSize: length + 64, maxOutputLength: length })

/**
 * Returns a blob of this size, without a git process: a loose object, or one that a pack holds whole
 * (gitformat-pack(5)). Undefined: git has to be asked. zlib's checksum and the size are compared, as git does.
 */
export async function wholeBlob(git: Git, id: string, size: number): Promise<Buffer | undefined> {
  const folders = objectFolders(git)
  try {
    for (const folder of folders) {
      const loose = join(folder, id.slice(0, 2), id.slice(2))
      if (existsSync(loose)) return await looseBlob(loose, size)
    }
    for (const folder of folders) {
      const entry = findInPacks(folder, id)
      if (entry)
        return entry.type === PACKED.blob && entry.size === size ? await inflateEntry(entry) : undefined
    }
  } catch {
    // For example a pack that git has replaced meanwhile, or an index of another version.
  }
  return undefined
}

async function looseBlob(file: string, size: number): Promise<Buffer | undefined> {
  const header = Buffer.from(`blob ${size}\0`)
  const length = header.length + size
  const object = await inflateTo(await readFile(file), length)
  const isBlob = object.length === length && object.subarray(0, header.length).equals(header)
  return isBlob ? object.subarray(header.length) : undefined
}

/** Returns the inflated bytes of an object, or of its delta, from `start` on; undefined: they have another length. */
export async function inflateEntry({ pack, size, start }: Pick<PackEntry, 'pack' | 'size' | 'start'>) {
  const content = await inflateTo(readPack(pack, start, size + MAX_GROWTH), size)
  return content.length === size ? content : undefined
}
