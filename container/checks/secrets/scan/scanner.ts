import { join } from 'node:path'
import type { Git } from '../../../git/git.ts'
import { GateFault } from '../../check.ts'
import { inBytes, LimitExceeded, type Limits } from '../../limits.ts'
import type { Introduced, Searchable } from '../../objects/new-objects.ts'
import { ObjectReader } from '../../objects/object-reader.ts'
import { Budget } from '../bytes/budget.ts'
import { memorySource, type Source, spool } from '../bytes/byte-source.ts'
import { type View, viewsOf } from '../decode/views.ts'
import { sanitizeForAgent } from '../findings/redactor.ts'
import type { PrewarmedGitleaks } from '../gitleaks/gitleaks-process.ts'
import { type LocatedMatch, locate, type Rescan } from '../gitleaks/locate.ts'
import { ScanFileWriter, type ScanItem, scanNameFor } from '../gitleaks/scan-files.ts'
import { runGitleaks } from '../gitleaks/verified-run.ts'

export interface ScanOptions {
  readonly git: Git
  readonly newObjects: Searchable
  readonly limits: Limits
  readonly gitleaks: string
  readonly config: string
  readonly folder: string
  readonly signal: AbortSignal
  /** Told what it is doing, whenever that changes. */
  readonly onPhase: (what: string) => void
  /** Told of what gitleaks is given, in bytes, and whether one was started for that. */
  readonly onScanned?: ((bytes: number, started: boolean) => void) | undefined
  /** For the first batch, where it was started ahead. */
  readonly prewarmed?: PrewarmedGitleaks | undefined
}

/** A run of gitleaks gets this much text, in bytes; it runs beside the reading of what the next one gets. */
const BATCH_BYTES = 64 << 20

/** More findings than a person reads, or a configuration excuses. */
const MAX_FINDINGS = 100_000

/**
 * Gives everything that a push introduces to gitleaks, in every view, and finds its matches back in the push: one
 * finding for every place of what holds it.
 */
export async function scan(options: ScanOptions): Promise<LocatedMatch[]> {
  const stop = new AbortController()
  const batches = new Batches({ ...options, signal: AbortSignal.any([options.signal, stop.signal]) })
  try {
    await readPush(options, batches)
    return expandToAllPaths(await batches.finish(), options.newObjects)
  } finally {
    stop.abort()
    await batches.settled()
  }
}

/** Texts in batches, each scanned by one run of gitleaks; one run at a time. */
class Batches {
  readonly #options: ScanOptions
  #count = 0
  #open: ScanFileWriter
  #running: Promise<void> = Promise.resolve()
  readonly #matches: LocatedMatch[] = []
  readonly #rescans: Rescan[] = []

  constructor(options: ScanOptions) {
    this.#options = options
    this.#open = this.#newWriter()
  }

  #newWriter(): ScanFileWriter {
    const { prewarmed, folder } = this.#options
    const number = this.#count++
    return new ScanFileWriter((number === 0 && prewarmed?.folder) || join(folder, `texts-${number}`))
  }

  async add(item: ScanItem, view: View): Promise<void> {
    await this.#open.add(item, view)
  }

  /** Between views: a file's windows stay together. */
  async flushIfFull(): Promise<void> {
    if (this.#open.bytes > BATCH_BYTES) await this.#flush()
  }

  async #flush(): Promise<void> {
    const writer = this.#open
    this.#open = this.#newWriter()
    await writer.finish()
    await this.#running
    this.#running = this.#scan(writer)
    this.#running.catch(() => {})
  }

  async #scan(writer: ScanFileWriter): Promise<void> {
    this.#options.onPhase(`scanning ${inBytes(writer.bytes)}`)
    const leaks = await runGitleaks({ ...this.#options, scanFiles: writer })
    const { located, rescans } = await locate(leaks, writer)
    this.#matches.push(...located)
    this.#rescans.push(...rescans)
    await writer.clear()
  }

  /** Everything found in everything added. */
  async finish(): Promise<LocatedMatch[]> {
    await this.#flush()
    await this.#running
    if (this.#rescans.length > 0)
      this.#matches.push(...(await rescanSeparately(this.#rescans, this.#options)))
    return this.#matches
  }

  /** Resolves when nothing runs any more, however it ended. */
  settled(): Promise<void> {
    return this.#running.catch(() => {})
  }
}

/** Adds every view of everything that the push introduces. */
async function readPush(options: ScanOptions, batches: Batches): Promise<void> {
  const { newObjects, limits, folder, signal, onPhase } = options
  const budget = new Budget(limits)

  const add = async (items: readonly ScanItem[], source: Source) => {
    const path = items[0]?.path ?? ''
    for await (const view of viewsOf(source, { path, folder, budget, signal })) {
      // Rules ask for the name, so a file under several names is scanned under each.
      for (const item of items) await batches.add(item, view)
      await batches.flushIfFull()
    }
  }

  for (const { commit, path } of newObjects.names)
    await add([{ commit, path, kind: 'file name' }], memorySource(Buffer.from(`${path}\n`)))
  for (const ref of newObjects.refs)
    await add(
      [{ commit: '', path: 'ref name', kind: 'ref name', ref }],
      memorySource(Buffer.from(`${ref}\n`)),
    )
  for (const tag of newObjects.tags)
    if (tag.type === 'tag')
      await add(
        [{ commit: tag.id, path: `tag ${tag.ref.replace(/^refs\/tags\//, '')}`, kind: 'tag', ref: tag.ref }],
        memorySource(tag.content),
      )

  await using objects = new ObjectReader(options.git, signal)
  let done = 0
  const commits = [...newObjects.commits.keys()]
  for await (const commit of objects.contents(commits, limits.maxTreeBytes + 1)) {
    onPhase(`reading commit ${++done} of ${commits.length}`)
    const parts: Buffer[] = []
    for await (const part of commit.parts) parts.push(part)
    const { header, message } = commitParts(Buffer.concat(parts))
    await add([{ commit: commit.id, path: 'commit message', kind: 'commit message' }], memorySource(message))
    await add([{ commit: commit.id, path: 'commit header', kind: 'commit header' }], memorySource(header))
  }
  if (done !== commits.length) throw new GateFault('the gate could not read every commit of this push')

  const blobs = new Map<string, ScanItem[]>()
  for (const [id, places] of newObjects.blobs)
    blobs.set(
      id,
      places.map(({ commit, path }) => ({ commit, path, kind: 'file', blob: id })),
    )
  for (const tag of newObjects.tags)
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
      throw new LimitExceeded(
        `${sanitizeForAgent(blobs.get(id)?.[0]?.path ?? '')} is ${inBytes(info.size)}, more than ${inBytes(limits.maxBlobBytes)}`,
        'keep large files elsewhere, for example in Git LFS',
      )
    bytes += info.size
    if (bytes > limits.maxBytes)
      throw new LimitExceeded(
        `its files hold more than ${inBytes(limits.maxBytes)}`,
        'push it in smaller parts',
      )
  }
  done = 0
  for await (const blob of objects.contents(ids, 1 << 20)) {
    onPhase(`reading file ${++done} of ${ids.length}`)
    const items = blobs.get(blob.id)
    if (!items) throw new Error('git cat-file speaks of an object it was not asked about')
    const source = await spool(blob.parts, folder)
    try {
      await add(onePerScanName(items), source)
    } finally {
      await source.dispose()
    }
  }
  if (done !== ids.length) throw new GateFault('the gate could not read every file of this push')
}

/** Texts that shared a file with a match over both, each by itself. */
async function rescanSeparately(rescans: readonly Rescan[], options: ScanOptions): Promise<LocatedMatch[]> {
  const writer = new ScanFileWriter(join(options.folder, 'again'), true)
  for (const { range, content } of rescans) {
    const { encodings: how, archivePath: inner, lines } = range.view
    const moved =
      lines.kind === 'from' ? { kind: 'from' as const, first: lines.first + range.firstViewLine } : lines
    const kept =
      lines.kind === 'list' ? { kind: 'list' as const, lines: lines.lines.slice(range.firstViewLine) } : moved
    await writer.add(range.item, { content, encodings: how, archivePath: inner, lines: kept })
  }
  await writer.finish()
  const leaks = await runGitleaks({ ...options, scanFiles: writer })
  const { located } = await locate(leaks, writer)
  await writer.clear()
  return located
}

/** One of the places of a file for each way in which its name can matter; the others would be scanned alike. */
function onePerScanName(items: readonly ScanItem[]): ScanItem[] {
  const byName = new Map<string, ScanItem>()
  for (const item of items) if (!byName.has(scanNameFor(item.path))) byName.set(scanNameFor(item.path), item)
  return [...byName.values()]
}

/** What was found at one place of a file holds at all that were scanned with it: who lets one pass is asked for each. */
function expandToAllPaths(
  found: readonly LocatedMatch[],
  { blobs }: Pick<Introduced, 'blobs'>,
): LocatedMatch[] {
  const expanded: LocatedMatch[] = []
  const placesByItem = new Map<ScanItem, readonly ScanItem[]>()
  const placesWithSameName = (item: ScanItem) => {
    const places = item.kind === 'file' && item.blob !== undefined ? (blobs.get(item.blob) ?? []) : []
    const same = places.filter(({ path }) => scanNameFor(path) === scanNameFor(item.path))
    return same.length > 1 ? same.map(({ commit, path }) => ({ ...item, commit, path })) : [item]
  }
  for (const each of found) {
    const items = placesByItem.get(each.item) ?? placesWithSameName(each.item)
    placesByItem.set(each.item, items)
    if (expanded.length + items.length > MAX_FINDINGS)
      throw new LimitExceeded(`it holds more than ${MAX_FINDINGS} secrets`, 'push it in smaller parts')
    for (const item of items) expanded.push(item === each.item ? each : { ...each, item })
  }
  return expanded
}

/** A commit without its tree's and parents' ids, which are nobody's words; further lines of such names are somebody's. */
function commitParts(content: Buffer): { header: Buffer; message: Buffer } {
  const finish = content.indexOf('\n\n')
  const header = (finish < 0 ? content : content.subarray(0, finish + 1))
    .toString('latin1')
    .replace(/^tree [0-9a-f]{40,64}\n(?:parent [0-9a-f]{40,64}\n)*/, '')
  return {
    header: Buffer.from(header, 'latin1'),
    message: finish < 0 ? Buffer.alloc(0) : content.subarray(finish + 2),
  }
}
