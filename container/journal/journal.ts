import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { PushReport } from '../../src/contract/outcome.ts'
import { Upstream } from '../../src/contract/pass.ts'
import { logFault } from '../process/log.ts'

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
    logFault(id, error)
    return undefined
  }
}

/** How long an ended push can still be asked for, in milliseconds. */
const DAY_MS = 86_400_000
const KEPT_MS = 7 * DAY_MS

/** One file a push, written whole by rename, so that a crash leaves either the old or the new word of it. */
export interface Journal {
  /** Rejects when it cannot be written down; the word is then kept in memory, to be asked for in this life. */
  write(entry: Entry): Promise<void>
  read(id: string): Promise<Entry | undefined>
  /** What a crash left open. */
  open(): Promise<Entry[]>
}

export async function openJournal(folder: string): Promise<Journal> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = (id: string) => join(folder, `${id}.json`)
  const unwritten = new Map<string, Entry>()
  setInterval(() => forgetOld(folder).catch(error => logFault('', error)), DAY_MS).unref()
  const read = async (id: string) => {
    const kept = unwritten.get(id)
    if (kept) return kept
    if (!/^[\w-]{1,64}$/.test(id)) return undefined
    const text = await readFile(file(id), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : parse(id, text)
  }
  return {
    read,
    async write(entry) {
      const { id } = entry.report
      const path = file(id)
      unwritten.set(id, entry)
      try {
        await writeFile(`${path}.new`, JSON.stringify(entry), { mode: 0o600 })
        await rename(`${path}.new`, path)
        unwritten.delete(id)
      } catch (error) {
        await rm(`${path}.new`, { force: true })
        throw error
      }
    },
    async open() {
      await forgetOld(folder)
      const left: Entry[] = []
      for (const name of await readdir(folder)) {
        if (name.endsWith('.new')) await rm(join(folder, name), { force: true })
        const entry = await read(name.replace(/\.json$/, ''))
        if (entry?.report.outcome === 'open') left.push(entry)
      }
      return left
    },
  }
}

async function forgetOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const { mtimeMs } = await stat(path)
    if (mtimeMs < Date.now() - KEPT_MS) await rm(path, { force: true })
  }
}
