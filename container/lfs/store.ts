import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { LfsObject } from '../../src/contract/lfs.ts'
import { asStoreFull, createIncomingObject, type IncomingObject, StoreFull } from './incoming-object.ts'
import { type OpenFile, openFile } from './open-file.ts'

/** The objects of one repository, on disk. An object in it has been checked by size and SHA-256. */
export interface StoredObjects {
  has(object: LfsObject): Promise<boolean>
  /** Opens an object that it has, and marks it as used. */
  open(object: LfsObject): Promise<OpenFile | undefined>
  /** Returns the path of an object that it has, and marks it as used. */
  path(object: LfsObject): string
  /**
   * Begins to write an object, in a temporary file. Removes objects that were not used for long, so that all
   * files stay within the bound. Rejects with StoreFull.
   */
  begin(object: LfsObject): Promise<IncomingObject>
}

export interface Store {
  of(upstream: Upstream): StoredObjects
  /** The bytes of all files, including those that are being written. */
  readonly bytes: number
}

interface Entry {
  readonly path: string
  readonly size: number
  /** The time of the last use that is on disk, in Unix milliseconds. */
  readonly usedAt: number
}

/** How often the use of an object is written to disk, in milliseconds: it matters after a restart only. */
const USE_MS = 60_000

/** For how long the free bytes of the disk are known, in milliseconds. Beyond that, other programs may have taken them. */
const FREE_MS = 1_000

/**
 * Opens the store of LFS objects in a folder, bounded by `maxBytes`. Objects that were used least recently go
 * first. Unfinished files of an earlier companion are removed.
 */
export async function openStore(folder: string, maxBytes: number): Promise<Store> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // In the order of use: a Map keeps the order of insertion.
  const entries = await storedIn(folder)
  let stored = sum(entries.values())
  let reserved = 0
  /** The part of the reserved bytes that is not written yet: the disk still shows it as free. */
  let unwritten = 0
  const free = createFreeBytes(folder)
  const touch = (path: string) => {
    const entry = entries.get(path)
    if (!entry) return
    const now = Date.now()
    const isDue = now - entry.usedAt >= USE_MS
    entries.delete(path)
    entries.set(path, isDue ? { ...entry, usedAt: now } : entry)
    if (isDue) utimes(path, new Date(now), new Date(now)).catch(() => {})
  }
  const forget = async (path: string) => {
    stored -= entries.get(path)?.size ?? 0
    entries.delete(path)
    await rm(path, { force: true })
    free.isUnknown()
  }
  /** Takes bytes of the free disk; false: there is no room. Objects that begin at once do not take the same bytes. */
  const takeFree = async (bytes: number) => {
    const freeBytes = await free.atLeast(unwritten + bytes)
    const isRoom = stored + reserved <= maxBytes && freeBytes >= unwritten + bytes
    if (isRoom) unwritten += bytes
    return isRoom
  }
  const makeRoom = async (bytes: number) => {
    if (reserved + bytes > maxBytes) throw new StoreFull()
    reserved += bytes
    try {
      for (const path of entries.keys()) {
        if (await takeFree(bytes)) return
        // A reader that has it open reads on to its end.
        await forget(path)
      }
      if (!(await takeFree(bytes))) throw new StoreFull()
    } catch (error) {
      reserved -= bytes
      throw error
    }
  }
  const release = (bytes: number, rest: number) => {
    reserved -= bytes
    unwritten -= rest
  }
  const keep = (path: string, size: number) => {
    stored += size - (entries.get(path)?.size ?? 0)
    entries.delete(path)
    entries.set(path, { path, size, usedAt: Date.now() })
  }

  return {
    get bytes() {
      return stored + reserved
    },
    of(upstream) {
      const dir = join(folder, upstream.name, `${hashOf(upstream.url)}.lfs`)
      const pathOf = ({ oid }: LfsObject) => join(dir, 'objects', oid.slice(0, 2), oid)
      return {
        async has(object) {
          const path = pathOf(object)
          if (entries.get(path)?.size !== object.size) return false
          const onDisk = await stat(path).catch(() => undefined)
          if (onDisk?.size === object.size) return true
          await forget(path)
          return false
        },
        async open(object) {
          const path = pathOf(object)
          if (entries.get(path)?.size !== object.size) return undefined
          const file = await openFile(path).catch(() => undefined)
          if (file?.size === object.size) {
            touch(path)
            return file
          }
          await file?.[Symbol.asyncDispose]()
          await forget(path)
          return undefined
        },
        path(object) {
          const path = pathOf(object)
          touch(path)
          return path
        },
        async begin(object) {
          await makeRoom(object.size)
          const path = join(dir, 'incoming', randomUUID())
          try {
            const file = await inFolder(dirname(path), () => open(path, 'wx', 0o600))
            return createIncomingObject(object, path, file, {
              wrote(bytes) {
                unwritten -= bytes
                free.taken(bytes)
              },
              release: written => release(object.size, object.size - written),
              async keep() {
                const to = pathOf(object)
                await inFolder(dirname(to), () => rename(path, to))
                keep(to, object.size)
              },
            })
          } catch (error) {
            release(object.size, object.size)
            throw asStoreFull(error)
          }
        },
      }
    },
  }
}

/** The free bytes of a folder's disk. Looking at the disk is a task of another thread, for each of 1,000 small objects. */
function createFreeBytes(folder: string) {
  let freeBytes = 0
  let measuredAt = Number.NEGATIVE_INFINITY
  const measure = async () => {
    const { bavail, bsize } = await inFolder(folder, () => statfs(folder))
    freeBytes = bavail * bsize
    measuredAt = performance.now()
  }
  return {
    /** Returns the free bytes. Looks at the disk if they were fewer than these. */
    async atLeast(bytes: number): Promise<number> {
      if (freeBytes < bytes || performance.now() - measuredAt > FREE_MS) await measure()
      return freeBytes
    },
    taken(bytes: number): void {
      freeBytes -= bytes
    },
    isUnknown(): void {
      measuredAt = Number.NEGATIVE_INFINITY
    },
  }
}

/** Runs `work`, and once more after making a folder that is missing: the store may be deleted at any time. */
async function inFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return work()
  }
}

const sum = (entries: Iterable<Entry>) => Iterator.from(entries).reduce((total, { size }) => total + size, 0)

const hashOf = (url: string) => createHash('sha256').update(url).digest('hex').slice(0, 16)

/** Lists the objects in the store, least recently used first. Removes unfinished files. */
async function storedIn(folder: string): Promise<Map<string, Entry>> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const found: Entry[] = []
  for (const file of files) {
    if (!file.isFile()) continue
    const path = join(file.parentPath, file.name)
    if (basename(file.parentPath) === 'incoming') await rm(path, { force: true })
    else {
      const { size, mtimeMs } = await stat(path)
      found.push({ path, size, usedAt: mtimeMs })
    }
  }
  found.sort((a, b) => a.usedAt - b.usedAt)
  return new Map(found.map(entry => [entry.path, entry]))
}
