import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Git } from '../git.ts'
import { offsetInPack } from './object-lookup.ts'

/** An object in a pack (gitformat-pack(5)). */
export interface PackEntry {
  readonly pack: string
  readonly index: string
  readonly offset: number
  readonly type: number
  /** The inflated length, in bytes: of the object, or of its delta. */
  readonly size: number
  /** The offset after the type and the size: of the compressed bytes, or of the base of a delta. */
  readonly start: number
}

/** The types of the objects in a pack that are read past git. */
export const PACKED = { blob: 3, deltaOfOffset: 6, deltaOfId: 7 } as const

/** From this many packs on, git finds an object faster. Maintenance joins packs before that (maintenance.ts). */
const MAX_PACKS = 16
/** The longest type and size, in bytes. */
const MAX_HEADER = 10

/** Returns the folders of objects that git looks into, in this order. */
export function objectFolders({ dir, env }: Git): string[] {
  const { GIT_OBJECT_DIRECTORY, GIT_ALTERNATE_OBJECT_DIRECTORIES: others = '' } = env
  return [GIT_OBJECT_DIRECTORY ?? join(dir, 'objects'), ...others.split(':').filter(Boolean)]
}

/**
 * Finds an object in the packs of a folder of objects, without a git process. Undefined: no pack has it, or git finds it
 * faster. Throws when git replaces the pack meanwhile.
 */
export function findInPacks(objects: string, id: string): PackEntry | undefined {
  const folder = join(objects, 'pack')
  const indexes = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.idx')) : []
  if (indexes.length > MAX_PACKS) return undefined
  for (const name of indexes) {
    const index = join(folder, name)
    const offset = offsetInPack(index, id)
    if (offset === undefined) continue
    const pack = index.replace(/\.idx$/, '.pack')
    return { pack, index, offset, ...headerOf(readPack(pack, offset, MAX_HEADER), offset) }
  }
  return undefined
}

function headerOf(bytes: Buffer, offset: number): Pick<PackEntry, 'type' | 'size' | 'start'> {
  const first = bytes[0] ?? 0
  let size = first & 15
  let at = 1
  for (let factor = 16, byte = first; byte & 0x80; factor *= 128, at++) {
    byte = bytes[at] ?? 0
    size += (byte & 0x7f) * factor
  }
  return { type: (first >> 4) & 7, size, start: offset + at }
}

/** Returns up to `length` bytes of a pack from an offset on. */
export function readPack(pack: string, offset: number, length: number): Buffer {
  const fd = openSync(pack, 'r')
  try {
    const bytes = Buffer.allocUnsafe(length)
    return bytes.subarray(0, readSync(fd, bytes, 0, length, offset))
  } finally {
    closeSync(fd)
  }
}
