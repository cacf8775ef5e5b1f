import { join } from 'node:path'
import type { Git } from '../../../git/git.ts'
import { GateFault } from '../../check.ts'
import { inBytes, type Limits, OverLimit } from '../../limits.ts'
import type { Introduced, Searchable } from '../../objects/new-objects.ts'
import { ObjectReader } from '../../objects/object-reader.ts'
import { Budget } from '../bytes/budget.ts'
import { collect, inMemory, type Source } from '../bytes/byte-source.ts'
import { type View, viewsOf } from '../decode/views.ts'
import { printable } from '../findings/redactor.ts'
import type { WaitingGitleaks } from '../gitleaks/gitleaks-process.ts'
import { type Again, type Located, locate } from '../gitleaks/locate.ts'
import { type Item, nameFor, Packs } from '../gitleaks/scan-files.ts'
import { runGitleaks } from '../gitleaks/verified-run.ts'

export interface ScanOptions {
  readonly git: Git
  readonly introduced: Searchable
  readonly limits: Limits
  readonly gitleaks: string
  readonly config: string
  readonly folder: string
  readonly signal: AbortSignal
  /** Told what it is doing, whenever that changes. */
  readonly doing: (what: string) => void
  /** Told of what gitleaks is given, in bytes, and whether one was started for that. */
  readonly given?: ((bytes: number, started: boolean) => void) | undefined
  /** For the first batch, where it was started ahead. */
  readonly waiting?: WaitingGitleaks | undefined
}

/** A run of gitleaks gets this much text, in bytes; it runs beside the reading of what the next one gets. */
const BATCH_BYTES = 64 << 20

/** More findings than a person reads, or a configuration excuses. */
const MAX_FINDINGS = 100_000

/**
 * Gives everything that a push introduces to gitleaks, in every view, and finds its matches back in the push: one
 * finding for every place of what holds it.
 */
export async function scan(options: ScanOptions): Promise<Located[]> {
  const stop = new AbortController()
  const batches = new Batches({ ...options, signal: AbortSignal.any([options.signal, stop.signal]) })
  try {
    await read(options, batches)
    return everyPlace(await batches.end(), options.introduced)
  } finally {
    stop.abort()
    await batches.settled()
  }
}

/** Texts in batches, each scanned by one run of gitleaks; one run at a time. */
class Batches {
  readonly #options: ScanOptions
  #count = 0
  #open: Packs
  #running: Promise<void> = Promise.resolve()
  readonly #located: Located[] = []
  readonly #again: Again[] = []

  constructor(options: ScanOptions) {
    this.#options = options
    this.#open = this.#fresh()
  }

  #fresh(): Packs {
    const { waiting, folder } = this.#options
    const number = this.#count++
    return new Packs((number === 0 && waiting?.folder) || join(folder, `texts-${number}`))
  }

  async add(item: Item, view: View): Promise<void> {
    await this.#open.add(item, view)
  }

  /** Between views: a file's windows stay together. */
  async turn(): Promise<void> {
    if (this.#open.bytes > BATCH_BYTES) await this.#flush()
  }

  async #flush(): Promise<void> {
    const full = this.#open
    this.#open = this.#fresh()
    await full.finish()
    await this.#running
    this.#running = this.#scan(full)
    this.#running.catch(() => {})
  }

  async #scan(packs: Packs): Promise<void> {
    this.#options.doing(`scanning ${inBytes(packs.bytes)}`)
    const leaks = await runGitleaks({ ...this.#options, packs })
    const { located, again } = await locate(leaks, packs)
    this.#located.push(...located)
    this.#again.push(...again)
    await packs.clear()
  }

  /** Everything found in everything added. */
  async end(): Promise<Located[]> {
    await this.#flush()
    await this.#running
    if (this.#again.length > 0) this.#located.push(...(await scanAgain(this.#again, this.#options)))
    return this.#located
  }

  /** Resolves when nothing runs any more, however it ended. */
  settled(): Promise<void> {
    return this.#running.catch(() => {})
  }
}

/** Adds every view of everything that the push introduces. */
async function read(options: ScanOptions, batches: Batches): Promise<void> {
  const { introduced, limits, folder, signal, doing } = options
  const budget = new Budget(limits)

  const add = async (items: readonly Item[], source: Source) => {
    const path = items[0]?.path ?? ''
    for await (const view of viewsOf(source, { path, folder, budget, signal })) {
      // Rules ask for the name, so a file under several names is scanned under each.
      for (const item of items) await batches.add(item, view)
      await batches.turn()
    }
  }

  for (const { commit, path } of introduced.names)
    await add([{ commit, path, kind: 'file name' }], inMemory(Buffer.from(`${path}\n`)))
  for (const ref of introduced.refs)
    await add([{ commit: '', path: 'ref name', kind: 'ref name', ref }], inMemory(Buffer.from(`${ref}\n`)))
  for (const tag of introduced.tags)
    if (tag.type === 'tag')
      await add(
        [{ commit: tag.id, path: `tag ${tag.ref.replace(/^refs\/tags\//, '')}`, kind: 'tag', ref: tag.ref }],
        inMemory(tag.content),
      )

  await using objects = new ObjectReader(options.git, signal)
  let done = 0
  const commits = [...introduced.commits.keys()]
  for await (const commit of objects.contents(commits, limits.maxTreeBytes + 1)) {
    doing(`reading commit ${++done} of ${commits.length}`)
    const parts: Buffer[] = []
    for await (const part of commit.parts) parts.push(part)
    const { header, message } = commitParts(Buffer.concat(parts))
    await add([{ commit: commit.id, path: 'commit message', kind: 'commit message' }], inMemory(message))
    await add([{ commit: commit.id, path: 'commit header', kind: 'commit header' }], inMemory(header))
  }
  if (done !== commits.length) throw new GateFault('the gate could not read every commit of this push')

  const blobs = new Map<string, Item[]>()
  for (const [id, places] of introduced.blobs)
    blobs.set(
      id,
      places.map(({ commit, path }) => ({ commit, path, kind: 'file', blob: id })),
    )
  for (const tag of introduced.tags)
    if (tag.type === 'blob' && !blobs.has(tag.id))
      blobs.set(tag.id, [
        {
          commit: tag.id,
          path: `tag ${tag.ref.replace(/^refs\/tags\//, '')}`,
          kind: 'tag',
          ref: tag.ref,
          blob: tag.id,
        },
      ])
  const ids = [...blobs.keys()]
  let checked = 0
  let bytes = 0
  for await (const info of objects.info(ids)) {
    const id = ids[checked++] ?? ''
    if (info?.type !== 'blob') throw new Error(`object ${id} is no file`)
    if (info.size > limits.maxBlobBytes)
      throw new OverLimit(
        `${printable(blobs.get(id)?.[0]?.path ?? '')} is ${inBytes(info.size)}, more than ${inBytes(limits.maxBlobBytes)}`,
        'keep large files elsewhere, for example in Git LFS',
      )
    bytes += info.size
    if (bytes > limits.maxBytes)
      throw new OverLimit(`its files hold more than ${inBytes(limits.maxBytes)}`, 'push it in smaller parts')
  }
  done = 0
  for await (const blob of objects.contents(ids, 1 << 20)) {
    doing(`reading file ${++done} of ${ids.length}`)
    const items = blobs.get(blob.id)
    if (!items) throw new Error('git cat-file speaks of an object it was not asked about')
    const source = await collect(blob.parts, folder)
    try {
      await add(samePathRules(items), source)
    } finally {
      await source.dispose()
    }
  }
  if (done !== ids.length) throw new GateFault('the gate could not read every file of this push')
}

/** Texts that shared a file with a match over both, each by itself. */
async function scanAgain(again: readonly Again[], options: ScanOptions): Promise<Located[]> {
  const packs = new Packs(join(options.folder, 'again'), true)
  for (const { stretch, content } of again) {
    const { how, inner, lines } = stretch.view
    const moved =
      lines.kind === 'from' ? { kind: 'from' as const, first: lines.first + stretch.viewLine } : lines
    const kept =
      lines.kind === 'list' ? { kind: 'list' as const, lines: lines.lines.slice(stretch.viewLine) } : moved
    await packs.add(stretch.item, { content, how, inner, lines: kept })
  }
  await packs.finish()
  const leaks = await runGitleaks({ ...options, packs })
  const { located } = await locate(leaks, packs)
  await packs.clear()
  return located
}

/** One of the places of a file for each way in which its name can matter; the others would be scanned alike. */
function samePathRules(items: readonly Item[]): Item[] {
  const byName = new Map<string, Item>()
  for (const item of items) if (!byName.has(nameFor(item.path))) byName.set(nameFor(item.path), item)
  return [...byName.values()]
}

/** What was found at one place of a file holds at all that were scanned with it: who lets one pass is asked for each. */
function everyPlace(found: readonly Located[], { blobs }: Pick<Introduced, 'blobs'>): Located[] {
  const everywhere: Located[] = []
  const alike = new Map<Item, readonly Item[]>()
  const placesOf = (item: Item) => {
    const places = item.kind === 'file' && item.blob !== undefined ? (blobs.get(item.blob) ?? []) : []
    const same = places.filter(({ path }) => nameFor(path) === nameFor(item.path))
    return same.length > 1 ? same.map(({ commit, path }) => ({ ...item, commit, path })) : [item]
  }
  for (const each of found) {
    const items = alike.get(each.item) ?? placesOf(each.item)
    alike.set(each.item, items)
    if (everywhere.length + items.length > MAX_FINDINGS)
      throw new OverLimit(`it holds more than ${MAX_FINDINGS} secrets`, 'push it in smaller parts')
    for (const item of items) everywhere.push(item === each.item ? each : { ...each, item })
  }
  return everywhere
}

/** A commit without its tree's and parents' ids, which are nobody's words; further lines of such names are somebody's. */
function commitParts(content: Buffer): { header: Buffer; message: Buffer } {
  const end = content.indexOf('\n\n')
  const header = (end < 0 ? content : content.subarray(0, end + 1))
    .toString('latin1')
    .replace(/^tree [0-9a-f]{40,64}\n(?:parent [0-9a-f]{40,64}\n)*/, '')
  return {
    header: Buffer.from(header, 'latin1'),
    message: end < 0 ? Buffer.alloc(0) : content.subarray(end + 2),
  }
}
