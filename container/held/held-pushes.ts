import {
  constants,
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AgentName, ObjectId, RefName, RepositoryName } from '../../src/contract/names.ts'
import { logError } from '../process/log.ts'
import { type DiffMask, DiffMasks } from './diff-masks.ts'

export const HeldFields = z.object({
  /** The push's id. */
  id: z.string().regex(/^[\w-]{1,64}$/),
  repository: RepositoryName,
  agent: AgentName,
  /** Empty for a push that does not wait: perhaps no check has read the names of its refs and its options. */
  commands: z.array(z.object({ ref: RefName, old: ObjectId, new: ObjectId })),
  pushOptions: z.array(z.string()),
  /** A push that waits for a decision is never deleted in favour of another push. */
  isWaiting: z.boolean(),
})
/** `isClean`: the scan found no secret, so that all of the texts may be shown. */
export const HeldRecord = HeldFields.extend({ isClean: z.boolean() })
const Entry = HeldRecord.extend({ at: z.number(), bytes: z.number() })
type Entry = z.infer<typeof Entry>

export interface NewHeldPush extends z.infer<typeof HeldFields> {
  readonly mask: DiffMask | undefined
}

/** A refused push whose objects are kept. Times are Unix milliseconds. */
export interface HeldPush extends Entry {
  /** Undefined: the text of its diff is not shown. */
  readonly mask: DiffMask | undefined
  /**
   * The folder of its objects, without those that the mirror has. With it as
   * GIT_ALTERNATE_OBJECT_DIRECTORIES, git on the mirror reads the push.
   */
  readonly objects: string
  /** Its pack; undefined where the mirror had all objects. */
  readonly pack: string | undefined
}

/** The objects of refused pushes, by push id: for an approval, and for the diff on the push's page. */
export interface HeldPushes {
  /**
   * Keeps the objects in git's quarantine, unless the push is kept already; undefined: the push has none. Returns false
   * if there is no room. The quarantine must exist until then.
   */
  keep(push: NewHeldPush, quarantine: string | undefined): Promise<boolean>
  find(id: string): Promise<HeldPush | undefined>
  /** Lets a push give way to others: it was decided. Does nothing if it is not kept. */
  stopWaiting(id: string): Promise<void>
  /** Deletes a push's objects. Does nothing if they are not kept. */
  release(id: string): Promise<void>
}

/** The limits of all held pushes: bytes on disk, and their age in milliseconds. */
export interface HeldLimits {
  readonly maxBytes: number
  readonly keepMs: number
}

/** The least disk usage of a held push, in bytes: a few blocks for its folders and its entry. */
const MIN_BYTES = 16_384

/** The share of the limit for an agent's pushes that wait: no agent alone keeps others from waiting. */
const AGENT_SHARE = 0.5

const CLEANUP_MS = 600_000

/** Opens the folder of held pushes. Deletes expired pushes, and pushes that a crash left unfinished. */
export async function openHeldPushes(folder: string, limits: HeldLimits): Promise<HeldPushes> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const entries = new Map<string, Entry>()
  for (const name of await readdir(folder)) {
    const entry = await readEntry(join(folder, name))
    if (entry?.id === name) entries.set(name, entry)
    else await rm(join(folder, name), { recursive: true, force: true })
  }
  const held = new HeldFolder(folder, limits, entries)
  const clean = () => held.releaseExpired().catch((error: unknown) => logError('', error))
  setInterval(clean, CLEANUP_MS).unref()
  await clean()
  return held
}

class HeldFolder implements HeldPushes {
  readonly #folder: string
  readonly #limits: HeldLimits
  readonly #entries: Map<string, Entry>
  readonly #masks = new DiffMasks()
  #last: Promise<unknown> = Promise.resolve()

  constructor(folder: string, limits: HeldLimits, entries: Map<string, Entry>) {
    this.#folder = folder
    this.#limits = limits
    this.#entries = entries
  }

  keep(push: NewHeldPush, quarantine: string | undefined): Promise<boolean> {
    // Calls run in turn, because each counts the bytes that are kept already.
    const kept = this.#last.then(() => this.#keep(push, quarantine))
    this.#last = kept.catch(() => {})
    return kept
  }

  async find(id: string): Promise<HeldPush | undefined> {
    const entry = this.#entries.get(id)
    if (!entry || this.#isExpired(entry)) return undefined
    const objects = join(this.#folder, id, 'objects')
    const files = await packFiles(objects)
    // Files that are lost without the companion: the push has to come again.
    if (MIN_BYTES + totalBytes(files) < entry.bytes) {
      await this.release(id)
      return undefined
    }
    const pack = files.find(({ name }) => name.endsWith('.pack'))
    const mask = entry.isClean ? { secrets: [] } : this.#masks.get(id)
    return { ...entry, objects, pack: pack?.path, mask }
  }

  async stopWaiting(id: string): Promise<void> {
    const entry = this.#entries.get(id)
    if (!entry) return
    const decided = { ...entry, isWaiting: false }
    this.#entries.set(id, decided)
    const path = join(this.#folder, id, ENTRY)
    await writeFile(`${path}.new`, JSON.stringify(decided), { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  async release(id: string): Promise<void> {
    if (!this.#entries.delete(id)) return
    this.#masks.delete(id)
    await rm(join(this.#folder, id), { recursive: true, force: true })
  }

  async releaseExpired(): Promise<void> {
    for (const entry of [...this.#entries.values()]) if (this.#isExpired(entry)) await this.release(entry.id)
  }

  #isExpired({ at }: Entry): boolean {
    return at < Date.now() - this.#limits.keepMs
  }

  async #keep({ mask, ...push }: NewHeldPush, quarantine: string | undefined): Promise<boolean> {
    // Two forwards of an approved push may each bring it back from R2.
    if (this.#entries.has(push.id)) return true
    const files = quarantine === undefined ? [] : await packFiles(quarantine)
    const bytes = MIN_BYTES + totalBytes(files)
    if (!(await this.#makeRoom(push, bytes))) return false
    const isClean = mask?.secrets.length === 0
    const entry: Entry = { ...push, isClean, at: Date.now(), bytes }
    const unfinished = join(this.#folder, `${push.id}.new`)
    try {
      await mkdir(join(unfinished, 'objects', 'pack'), { recursive: true, mode: 0o700 })
      for (const { name, path } of files) await linkOrCopy(path, join(unfinished, 'objects', 'pack', name))
      await writeFile(join(unfinished, ENTRY), JSON.stringify(entry), { mode: 0o600 })
      await rename(unfinished, join(this.#folder, push.id))
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true })
      throw error
    }
    this.#entries.set(push.id, entry)
    if (mask && !isClean) this.#masks.set(push.id, mask)
    return true
  }

  /**
   * Deletes the oldest pushes that wait for no decision. Returns false if that does not make enough room, or if the
   * agent's pushes that wait would take more than their share.
   */
  async #makeRoom({ agent, isWaiting }: z.infer<typeof HeldFields>, bytes: number): Promise<boolean> {
    await this.releaseExpired()
    const all = [...this.#entries.values()].sort((a, b) => a.at - b.at)
    const own = all.filter(entry => entry.isWaiting && entry.agent === agent)
    if (isWaiting && bytes + totalBytes(own) > AGENT_SHARE * this.#limits.maxBytes) return false
    let used = bytes + totalBytes(all)
    const deletable = all.filter(({ isWaiting }) => !isWaiting)
    if (used - totalBytes(deletable) > this.#limits.maxBytes) return false
    for (const entry of deletable) {
      if (used <= this.#limits.maxBytes) break
      used -= entry.bytes
      await this.release(entry.id)
    }
    return true
  }
}

const totalBytes = (each: readonly { bytes: number }[]) => each.reduce((sum, { bytes }) => sum + bytes, 0)

/** The file of a held push's entry, beside its folder `objects`. */
const ENTRY = 'push.json'

async function readEntry(path: string): Promise<Entry | undefined> {
  try {
    return Entry.parse(JSON.parse(await readFile(join(path, ENTRY), 'utf8')))
  } catch {
    return undefined
  }
}

/** Lists the packs of an object folder with their indexes. git writes every push into one pack. */
async function packFiles(objects: string): Promise<{ name: string; path: string; bytes: number }[]> {
  const folder = join(objects, 'pack')
  const names = (await readdir(folder).catch(() => [])).filter(name =>
    /^pack-[0-9a-f]+\.(pack|idx|rev)$/.test(name),
  )
  return Promise.all(
    names.map(async name => {
      const path = join(folder, name)
      return { name, path, bytes: (await stat(path)).size }
    }),
  )
}

/** A link needs no disk space while the mirror has the file too. Another disk gets a copy. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EXDEV' && error.code !== 'EPERM') throw error
    return copyFile(from, to, constants.COPYFILE_FICLONE)
  })
}
