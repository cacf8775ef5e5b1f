import { createReadStream } from 'node:fs'
import { createInflate } from 'node:zlib'
import type { Git } from '../git.ts'
import { offsetInPack } from './object-lookup.ts'
import { applyDelta, deltaSteps } from './pack-delta.ts'
import { findInPacks, objectFolders, PACKED, type PackEntry, readPack } from './pack-entry.ts'
import { inflateEntry } from './whole-blob.ts'

/** The part of a blob that differs from the blob it replaces, with text around it that both have. */
export interface Change {
  readonly text: Buffer
  /** The same part of the blob that is replaced. */
  readonly old: Buffer
  /** Both blobs begin with the same bytes before the part, and end with the same bytes after it. */
  readonly before: number
  readonly after: number
  /** The number of newlines before the part. */
  readonly newlinesBefore: number
}

/** The bytes around a change: more than a scan reads around it. */
const AROUND_BYTES = 64 << 10
/** A longer part is compared by the whole blobs. */
const MAX_PART_BYTES = 1 << 20
/** A longer delta has many changes. */
const MAX_DELTA_BYTES = 64 << 10
const PIECE_BYTES = 256 << 10
const NEWLINE = 10

/**
 * Returns where a blob of this size differs from the blob that it replaces, when a pack has it as a delta of that blob:
 * `git push` sends a new version so, and `git index-pack --fix-thin` adds the other, whole. Only the part of the other up
 * to the change is inflated. Undefined: the blobs have to be compared.
 */
export async function deltaChange(
  git: Git,
  id: string,
  size: number,
  old: string,
): Promise<Change | undefined> {
  const folders = objectFolders(git)
  const find = (name: string) => {
    for (const folder of folders) {
      const entry = findInPacks(folder, name)
      if (entry) return entry
    }
    return undefined
  }
  try {
    const [entry, base] = [find(id), find(old)]
    if (!entry || base?.type !== PACKED.blob || entry.size > MAX_DELTA_BYTES) return undefined
    const start = deltaStart(entry, old)
    if (start === undefined) return undefined
    const delta = await inflateEntry({ ...entry, start })
    return delta && (await changeOf(delta, size, base))
  } catch {
    // For example a pack that git has replaced meanwhile, or bytes that are no delta.
    return undefined
  }
}

/** Returns where the compressed delta of an object begins; undefined: it is none of this base. */
function deltaStart({ pack, index, offset, type, start }: PackEntry, base: string): number | undefined {
  const head = readPack(pack, start, 32)
  if (type === PACKED.deltaOfId) {
    const length = base.length / 2
    return head.toString('hex', 0, length) === base ? start + length : undefined
  }
  if (type !== PACKED.deltaOfOffset) return undefined
  let distance = (head[0] ?? 0) & 0x7f
  let at = 1
  for (; (head[at - 1] ?? 0) & 0x80; at++) distance = (distance + 1) * 128 + ((head[at] ?? 0) & 0x7f)
  return offsetInPack(index, base) === offset - distance ? start + at : undefined
}

async function changeOf(delta: Buffer, size: number, base: PackEntry): Promise<Change | undefined> {
  const steps = deltaSteps(delta, base.size, size)
  if (!steps) return undefined
  let head = 0
  for (const { isCopy, from, length } of steps) {
    if (!isCopy || from !== head) break
    head += length
  }
  let tail = 0
  for (const { isCopy, from, length } of steps.toReversed()) {
    if (!isCopy || from + length !== base.size - tail) break
    tail += length
  }
  // A stretch that repeats may be in both.
  tail = Math.min(tail, Math.min(size, base.size) - head)
  const before = Math.max(0, head - AROUND_BYTES)
  const after = Math.max(0, tail - AROUND_BYTES)
  if (Math.max(size, base.size) - before - after > MAX_PART_BYTES) return undefined
  const part = await readPart(base, before, base.size - after)
  const text =
    part && applyDelta(steps, delta, { from: before, to: size - after }, { from: before, bytes: part.bytes })
  return text && { text, old: part.bytes, before, after, newlinesBefore: part.newlinesBefore }
}

/** Returns a part of a blob that a pack has whole, and the newlines before it; undefined: the blob is shorter. */
async function readPart({ pack, start }: PackEntry, from: number, to: number) {
  const packed = createReadStream(pack, { start, highWaterMark: PIECE_BYTES })
  const inflate = createInflate({ chunkSize: PIECE_BYTES })
  packed.once('error', error => inflate.destroy(error)).pipe(inflate)
  const parts: Buffer[] = []
  let [at, newlinesBefore] = [0, 0]
  try {
    for await (const piece of inflate as AsyncIterable<Buffer<ArrayBuffer>>) {
      newlinesBefore += newlines(piece.subarray(0, Math.max(0, from - at)))
      if (at + piece.length > from) parts.push(Buffer.from(piece.subarray(Math.max(0, from - at), to - at)))
      at += piece.length
      release(piece)
      if (at >= to) break
    }
  } finally {
    packed.destroy()
  }
  return at < to ? undefined : { bytes: Buffer.concat(parts), newlinesBefore }
}

/** Frees a piece that zlib has filled: the next piece takes its memory, and the garbage collector has less to do. */
function release({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): void {
  if (buffer.byteLength === PIECE_BYTES && byteOffset + length === PIECE_BYTES) buffer.transfer(0)
}

function newlines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++
  return count
}
