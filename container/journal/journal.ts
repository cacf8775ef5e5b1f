import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Upstream } from '../../src/contract/companion-api/pass.ts'
import { PushReport } from '../../src/contract/outcome.ts'
import { logError } from '../process/log.ts'

/** Journal entry of a push: the data from which the companion determines its outcome after a crash. */
export const Entry = z.object({
  report: PushReport,
  upstream: Upstream,
  /** Start of the push, in Unix milliseconds. Entries of older versions lack it. */
  startedAt: z.number().optional(),
  /** Process group of a forward that has begun. After a crash it is ended before upstream is queried. */
  forward: z.object({ pid: z.number().int(), startedAt: z.string() }).optional(),
})
export type Entry = z.infer<typeof Entry>

/**
 * Parses an entry. Returns undefined if a crash or another version left it unreadable: the outcome then comes
 * from upstream's refs.
 */
function parse(id: string, text: string): Entry | undefined {
  try {
    return Entry.parse(JSON.parse(text))
  } catch (error) {
    logError(id, error)
    return undefined
  }
}

/** Retention of the entries of ended pushes, in milliseconds. */
const DAY_MS = 86_400_000
const RETENTION_MS = 7 * DAY_MS

/** Size of a disk block, in bytes: each file occupies at least one block. */
const BLOCK_BYTES = 4096

/** Limit of ended pushes kept in memory because their entries could not be written. */
const MAX_UNWRITTEN = 1_000

/**
 * Journal with one file per push. Each write replaces the file by rename, so a crash leaves either the old
 * entry or the new one.
 */
export interface Journal {
  /** Rejects if the entry cannot be written. read() then returns it from memory until the process exits. */
  write(entry: Entry): Promise<void>
  read(id: string): Promise<Entry | undefined>
  /** Lists the entries of pushes that a crash interrupted. */
  listOpen(): Promise<Entry[]>
}

/**
 * Opens the journal in `folder`. `maxBytes` limits its disk usage: beyond it the oldest ended pushes are
 * deleted.
 */
export async function openJournal(folder: string, maxBytes: number): Promise<Journal> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = (id: string) => join(folder, `${id}.json`)
  const inMemory = new Map<string, Entry>()
  const going = new Set<string>()
  const forget = () => deleteExpired(folder, maxBytes, going).catch((error: unknown) => logError('', error))
  setInterval(forget, DAY_MS).unref()
  const countBytes = everyBytes(maxBytes / 8, forget)
  const read = async (id: string) => {
    const entry = inMemory.get(id)
    if (entry) return entry
    if (!/^[\w-]{1,64}$/.test(id)) return undefined
    const text = await readFile(file(id), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : parse(id, text)
  }
  return {
    read,
    async write(entry) {
      const { id, outcome } = entry.report
      const path = file(id)
      if (outcome === 'open') going.add(id)
      else going.delete(id)
      inMemory.set(id, entry)
      dropUnwritten(inMemory)
      try {
        const text = JSON.stringify(entry)
        await writeFile(`${path}.new`, text, { mode: 0o600 })
        await rename(`${path}.new`, path)
        inMemory.delete(id)
        countBytes(Math.max(BLOCK_BYTES, text.length))
      } catch (error) {
        await rm(`${path}.new`, { force: true })
        throw error
      }
    },
    async listOpen() {
      const unread: Entry[] = []
      for (const name of await readdir(folder)) {
        if (name.endsWith('.new')) await rm(join(folder, name), { force: true })
        const entry = await read(name.replace(/\.json$/, ''))
        if (entry?.report.outcome !== 'open') continue
        going.add(entry.report.id)
        unread.push(entry)
      }
      await forget()
      return unread
    },
  }
}

/**
 * Creates a counter of bytes that calls `act` each time `step` bytes have been added. Bytes that are added while
 * `act` runs count for the next call.
 */
function everyBytes(step: number, act: () => Promise<void>): (bytes: number) => void {
  let counted = 0
  let acting = false
  const actIfDue = () => {
    if (counted < step || acting) return
    counted = 0
    acting = true
    act().finally(() => {
      acting = false
      actIfDue()
    })
  }
  return bytes => {
    counted += bytes
    actIfDue()
  }
}

function dropUnwritten(inMemory: Map<string, Entry>): void {
  if (inMemory.size <= MAX_UNWRITTEN) return
  for (const [id, { report }] of inMemory)
    if (report.outcome !== 'open') {
      inMemory.delete(id)
      return
    }
}

/**
 * Deletes entries older than RETENTION_MS, then the oldest until the journal fits into `maxBytes`. Pushes in
 * progress are kept.
 */
async function deleteExpired(folder: string, maxBytes: number, going: ReadonlySet<string>): Promise<void> {
  const files: { path: string; at: number; bytes: number }[] = []
  for (const name of await readdir(folder)) {
    if (going.has(name.replace(/\.json(\.new)?$/, ''))) continue
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found) files.push({ path, at: found.mtimeMs, bytes: Math.max(BLOCK_BYTES, found.size) })
  }
  files.sort((a, b) => a.at - b.at)
  let bytes = files.reduce((sum, each) => sum + each.bytes, 0)
  for (const each of files) {
    if (bytes <= maxBytes && each.at >= Date.now() - RETENTION_MS) break
    await rm(each.path, { force: true })
    bytes -= each.bytes
  }
}
