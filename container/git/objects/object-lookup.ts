import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { ObjectFormat } from './object-format.ts'

/** From this many packs on, git's own lookup is as fast. Maintenance joins packs before that (maintenance.ts). */
const MAX_PACKS = 64

/**
 * Returns which of these objects a repository's own store has, without a git process: it reads the indexes of the
 * packs (gitformat-pack(5)) and looks for loose objects. A pack that git replaces meanwhile may hide an object, and
 * never adds one. Undefined: git has to be asked.
 */
export function ownObjects(dir: string, ids: readonly string[]): Set<string> | undefined {
  if (ids.some(id => id.length !== 2 * ID_BYTES)) return undefined
  const objects = join(dir, 'objects')
  const found = new Set<string>()
  try {
    const indexes = readdirSync(join(objects, 'pack')).filter(name => name.endsWith('.idx'))
    if (indexes.length > MAX_PACKS || existsSync(join(objects, 'info', 'alternates'))) return undefined
    for (const id of ids) if (existsSync(join(objects, id.slice(0, 2), id.slice(2)))) found.add(id)
    for (const name of indexes) {
      const missing = ids.filter(id => !found.has(id))
      if (missing.length === 0) break
      for (const id of inIndex(join(objects, 'pack', name), missing)) found.add(id)
    }
    return found
  } catch {
    // For example a pack that git has replaced, or an index of another version.
    return undefined
  }
}

/**
 * Lists the objects of an object directory, packed and loose, without those of its alternates. Undefined: it has more
 * than `max`, and the rest is not read, since a client decides how many it sends. Throws for an index of another version.
 */
export function objectsIn(objects: string, format: ObjectFormat, max: number): string[] | undefined {
  const found = new Set<string>()
  for (const folder of readdirSync(objects)) {
    if (/^[0-9a-f]{2}$/.test(folder))
      for (const name of readdirSync(join(objects, folder))) found.add(folder + name)
    if (folder === 'pack')
      for (const name of readdirSync(join(objects, 'pack')).filter(name => name.endsWith('.idx')))
        for (const id of listIndex(join(objects, 'pack', name), format, max + 1)) found.add(id)
    if (found.size > max) return undefined
  }
  return [...found]
}

/** Returns the first `max` objects of an index. */
function listIndex(file: string, format: ObjectFormat, max: number): string[] {
  const length = format === 'sha1' ? 20 : 32
  const fd = openSync(file, 'r')
  try {
    const count = Math.min(countOf(readHead(fd)), max)
    const names = read(fd, NAMES, count * length)
    return Array.from({ length: count }, (_, i) => names.toString('hex', i * length, (i + 1) * length))
  } finally {
    closeSync(fd)
  }
}

const HEADER = Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2])
const FANOUT = HEADER.length
const NAMES = FANOUT + 256 * 4
/** Of SHA-1. git looks up the objects of a repository with SHA-256. */
const ID_BYTES = 20
const MAX_NAMES_PER_READ = 512

function inIndex(file: string, ids: readonly string[]): string[] {
  const fd = openSync(file, 'r')
  try {
    const head = readHead(fd)
    return ids.filter(id => numberOf(fd, head, id) >= 0)
  } finally {
    closeSync(fd)
  }
}

/**
 * Returns where an object begins in the pack of an index; undefined: the pack lacks it, or is longer than 2 GiB. Throws
 * an Error for an index of another version.
 */
export function offsetInPack(index: string, id: string): number | undefined {
  if (id.length !== 2 * ID_BYTES) return undefined
  const fd = openSync(index, 'r')
  try {
    const head = readHead(fd)
    const number = numberOf(fd, head, id)
    if (number < 0) return undefined
    // After the names come the checksums, and then the offsets, of four bytes each.
    const offset = read(fd, NAMES + countOf(head) * (ID_BYTES + 4) + number * 4, 4).readUInt32BE()
    return offset < LONG_OFFSET ? offset : undefined
  } finally {
    closeSync(fd)
  }
}
const LONG_OFFSET = 0x80000000

function readHead(fd: number): Buffer {
  const head = read(fd, 0, NAMES)
  if (!head.subarray(0, FANOUT).equals(HEADER)) throw new Error('the index of a pack has another version')
  return head
}

/** The last entry of the fanout table counts all names. */
const countOf = (head: Buffer) => head.readUInt32BE(NAMES - 4)

/** Returns the number of an object in an index; -1: the index lacks it. */
function numberOf(fd: number, head: Buffer, id: string): number {
  const wanted = Buffer.from(id, 'hex')
  const first = wanted[0] ?? 0
  // Entry n of the fanout table counts the names whose first byte is at most n.
  let low = first === 0 ? 0 : head.readUInt32BE(FANOUT + (first - 1) * 4)
  let high = head.readUInt32BE(FANOUT + first * 4)
  while (high - low > MAX_NAMES_PER_READ) {
    const middle = (low + high) >> 1
    const isBelow = read(fd, NAMES + middle * ID_BYTES, ID_BYTES).compare(wanted) <= 0
    if (isBelow) low = middle
    else high = middle
  }
  const names = read(fd, NAMES + low * ID_BYTES, (high - low) * ID_BYTES)
  for (let index = names.indexOf(wanted); index >= 0; index = names.indexOf(wanted, index + 1))
    if (index % ID_BYTES === 0) return low + index / ID_BYTES
  return -1
}

function read(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  if (readSync(fd, bytes, 0, length, offset) !== length) throw new Error('the index of a pack ends early')
  return bytes
}
