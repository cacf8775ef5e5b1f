import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type HeldPush, type HeldPushes, HeldRecord } from './held-pushes.ts'

/**
 * A held push in one stream, for a store outside of the companion: a line of JSON with its commands, then its pack. The
 * hash is the SHA-256 of all of it.
 */
export interface HeldArchive {
  readonly bytes: number
  readonly hash: string
  read(): AsyncIterable<Buffer>
}

const Head = HeldRecord.omit({ isWaiting: true })

/** The limit of the line of JSON, in bytes: more than a command list can have. */
const MAX_HEAD_BYTES = 32 << 20

/** Describes the archive of a held push. Reads its pack for the hash. */
export async function archiveOf(held: HeldPush): Promise<HeldArchive> {
  const { pack } = held
  const head = Buffer.from(`${JSON.stringify(Head.parse(held))}\n`)
  const read = async function* () {
    yield head
    if (pack !== undefined) yield* createReadStream(pack)
  }
  const hash = createHash('sha256')
  for await (const chunk of read()) hash.update(chunk)
  const bytes = head.length + (pack === undefined ? 0 : (await stat(pack)).size)
  return { bytes, hash: hash.digest('hex'), read }
}

/**
 * Keeps the push of an archive, as one that waits. Returns false if the archive is not of this push and hash, or if there
 * is no room.
 */
export async function restore(
  held: HeldPushes,
  archive: AsyncIterable<Buffer>,
  { push, hash, scratch }: { readonly push: string; readonly hash: string; readonly scratch: string },
): Promise<boolean> {
  const folder = join(scratch, `held-${randomUUID()}`)
  await mkdir(join(folder, 'pack'), { recursive: true, mode: 0o700 })
  try {
    const read = await unpack(archive, join(folder, 'pack', `pack-${hash}.pack`))
    // Nothing of the archive counts before its hash is known.
    if (read?.hash !== hash) return false
    const { isClean, ...entry } = Head.parse(JSON.parse(read.head.toString('utf8')))
    const mask = isClean ? { secrets: [] } : undefined
    return entry.id === push && (await held.keep({ ...entry, isWaiting: true, mask }, folder))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Writes the pack of an archive to a file, if it has one. Returns undefined if the archive has no line of JSON. */
async function unpack(
  archive: AsyncIterable<Buffer>,
  file: string,
): Promise<{ head: Buffer; hash: string } | undefined> {
  const hash = createHash('sha256')
  let head = Buffer.alloc(0)
  let isInPack = false
  let pack: FileHandle | undefined
  try {
    for await (const chunk of archive) {
      hash.update(chunk)
      let rest = chunk
      if (!isInPack) {
        const length = chunk.indexOf('\n')
        isInPack = length >= 0
        head = Buffer.concat([head, isInPack ? chunk.subarray(0, length) : chunk])
        if (head.length > MAX_HEAD_BYTES) return undefined
        rest = isInPack ? chunk.subarray(length + 1) : Buffer.alloc(0)
      }
      if (rest.length === 0) continue
      pack ??= await open(file, 'wx', 0o600)
      await pack.writeFile(rest)
    }
  } finally {
    await pack?.close()
  }
  return isInPack ? { head, hash: hash.digest('hex') } : undefined
}
