import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { PushReport } from '../../src/contract/outcome.ts'
import { Upstream } from '../../src/contract/pass.ts'
import { logError } from '../process/log.ts'

/** What the companion must know of a push to tell its outcome after a crash. */
export const Entry = z.object({
  report: PushReport,
  upstream: Upstream,
  /** When the push began, in Unix milliseconds; entries of older versions lack it. */
  startedAt: z.number().optional(),
  /** The process group of a forward that has begun: after a crash it is ended before upstream is asked. */
  forward: z.object({ pid: z.number().int(), startedAt: z.string() }).optional(),
})
export type Entry = z.infer<typeof Entry>

/** An entry as it was written; undefined for one that a crash or another version left unreadable: upstream tells. */
function parse(id: string, text: string): Entry | undefined {
  try {
    return Entry.parse(JSON.parse(text))
  } catch (error) {
    logError(id, error)
    return undefined
  }
}

/** How long an ended push can still be asked for, in milliseconds. */
const DAY_MS = 86_400_000
const KEPT_MS = 7 * DAY_MS

/** A file takes a block of the disk at least. */
const BLOCK_BYTES = 4096

/** So many entries that could not be written down are kept in memory, beside those of pushes that go on. */
const MOST_UNWRITTEN = 1_000

/** One file a push, written whole by rename, so that a crash leaves either the old or the new word of it. */
export interface Journal {
  /** Rejects when it cannot be written down; the word is then kept in memory, to be asked for in this life. */
  write(entry: Entry): Promise<void>
  read(id: string): Promise<Entry | undefined>
  /** What a crash left open. */
  listOpen(): Promise<Entry[]>
}

/** `maxBytes`: what its files may take; beyond that the oldest ended pushes are forgotten. */
export async function openJournal(folder: string, maxBytes: number): Promise<Journal> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = (id: string) => join(folder, `${id}.json`)
  const inMemory = new Map<string, Entry>()
  const going = new Set<string>()
  const forget = () => forgetOld(folder, maxBytes, going).catch((error: unknown) => logError('', error))
  setInterval(forget, DAY_MS).unref()
  const countBytes = every(maxBytes / 8, forget)
  const read = async (id: string) => {
    const kept = inMemory.get(id)
    if (kept) return kept
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
      forgetUnwritten(inMemory)
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
      const left: Entry[] = []
      for (const name of await readdir(folder)) {
        if (name.endsWith('.new')) await rm(join(folder, name), { force: true })
        const entry = await read(name.replace(/\.json$/, ''))
        if (entry?.report.outcome !== 'open') continue
        going.add(entry.report.id)
        left.push(entry)
      }
      await forget()
      return left
    },
  }
}

/** Counts bytes, and acts each time that `step` of them have come together. */
function every(step: number, act: () => Promise<void>): (bytes: number) => void {
  let counted = 0
  let acting = false
  return bytes => {
    counted += bytes
    if (counted < step || acting) return
    counted = 0
    acting = true
    act().finally(() => {
      acting = false
    })
  }
}

function forgetUnwritten(inMemory: Map<string, Entry>): void {
  if (inMemory.size <= MOST_UNWRITTEN) return
  for (const [id, { report }] of inMemory)
    if (report.outcome !== 'open') {
      inMemory.delete(id)
      return
    }
}

/** Forgets what is older than a journal is kept, and the oldest of what it may not take; never a push that goes on. */
async function forgetOld(folder: string, maxBytes: number, going: ReadonlySet<string>): Promise<void> {
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
    if (bytes <= maxBytes && each.at >= Date.now() - KEPT_MS) break
    await rm(each.path, { force: true })
    bytes -= each.bytes
  }
}
