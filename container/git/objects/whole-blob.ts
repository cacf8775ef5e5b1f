import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import type { Git } from '../git.ts'
import { offsetInPack } from './object-lookup.ts'

/** From this size on, git's start and the way through its pipe take longer than reading the file. */
export const LARGE_BLOB_BYTES = 256 << 10

/** From this many packs on, git finds an object faster. Maintenance joins packs before that (maintenance.ts). */
const MAX_PACKS = 16
/** The longest header of an object, in bytes: a type and a size. */
const MAX_HEADER = 32
/** A compressed text may be a little longer than the text. */
const MAX_GROWTH = 4096
const BLOB_IN_PACK = 3

const inflated = promisify(inflate)
/** Inflates in one piece. zlib asks for another as soon as a piece is full, so it is a little longer. */
const inflateTo = (bytes: Buffer, length: number) =>
  inflated(bytes, { chunkSize: length + MAX_HEADER, maxOutputLength: length })

/**
 * Returns a blob of this size, without a git process: a loose object, or one that a pack holds whole
 * (gitformat-pack(5)). Undefined: git has to be asked. zlib's checksum and the size are compared, as git does.
 */
export async function wholeBlob(git: Git, id: string, size: number): Promise<Buffer | undefined> {
  const { GIT_OBJECT_DIRECTORY, GIT_ALTERNATE_OBJECT_DIRECTORIES: others = '' } = git.env
  const folders = [GIT_OBJECT_DIRECTORY ?? join(git.dir, 'objects'), ...others.split(':').filter(Boolean)]
  try {
    for (const folder of folders) {
      const loose = join(folder, id.slice(0, 2), id.slice(2))
      if (existsSync(loose)) return await looseBlob(loose, size)
    }
    for (const folder of folders) {
      const found = findInPacks(join(folder, 'pack'), id, size)
      if (found) return await packedBlob(found, size)
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

/** Returns the bytes of a pack from an object on; undefined: no pack has it. */
function findInPacks(folder: string, id: string, size: number): Buffer | undefined {
  const indexes = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.idx')) : []
  if (indexes.length > MAX_PACKS) return undefined
  for (const index of indexes) {
    const offset = offsetInPack(join(folder, index), id)
    if (offset === undefined) continue
    const pack = openSync(join(folder, index.replace(/\.idx$/, '.pack')), 'r')
    try {
      const bytes = Buffer.allocUnsafe(MAX_HEADER + size + MAX_GROWTH)
      return bytes.subarray(0, readSync(pack, bytes, 0, bytes.length, offset))
    } finally {
      closeSync(pack)
    }
  }
  return undefined
}

/** Returns the blob that begins here in a pack; undefined: it is a delta. */
async function packedBlob(bytes: Buffer, size: number): Promise<Buffer | undefined> {
  const first = bytes[0] ?? 0
  let length = first & 15
  let at = 1
  for (let factor = 16, byte = first; byte & 0x80; factor *= 128, at++) {
    byte = bytes[at] ?? 0
    length += (byte & 0x7f) * factor
  }
  if (((first >> 4) & 7) !== BLOB_IN_PACK || length !== size) return undefined
  const content = await inflateTo(bytes.subarray(at), size)
  return content.length === size ? content : undefined
}
