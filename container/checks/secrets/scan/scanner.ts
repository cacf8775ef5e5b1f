import { join } from 'node:path'
import { inBytes, LimitExceeded } from '../../limits.ts'
import type { Searchable } from '../../objects/new-objects.ts'
import { Budget } from '../bytes/budget.ts'
import type { Source } from '../bytes/byte-source.ts'
import type { LineMap } from '../decode/line-map.ts'
import { scanNameFor } from '../decode/scan-names.ts'
import { type View, viewsOf } from '../decode/views.ts'
import type { PrewarmedGitleaks } from '../gitleaks/gitleaks-process.ts'
import { type LocatedMatch, locate, type Rescan } from '../gitleaks/locate.ts'
import { ScanFileWriter, type ScanItem } from '../gitleaks/scan-files.ts'
import { runGitleaks } from '../gitleaks/verified-run.ts'
import { type ReadOptions, readPush } from './read-push.ts'

export interface ScanOptions extends ReadOptions {
  /** The path of the gitleaks binary. */
  readonly gitleaks: string
  /** The path of the gitleaks configuration. */
  readonly config: string
  /** Receives the bytes given to gitleaks, and whether a gitleaks process was started for them. */
  readonly onScanned?: ((bytes: number, started: boolean) => void) | undefined
  /** A gitleaks process for the first batch. */
  readonly prewarmed?: PrewarmedGitleaks | undefined
}

/** The text that one run of gitleaks gets, in bytes. The next batch is read while it runs. */
const BATCH_BYTES = 64 << 20

/** The most matches of a push, over all places; more are refused. */
const MAX_FINDINGS = 100_000

/**
 * Scans every view of every new content with gitleaks. Returns one match for each place of the content that holds it.
 * Throws LimitExceeded or GateFault.
 */
export async function scan(options: ScanOptions): Promise<LocatedMatch[]> {
  const stop = new AbortController()
  const stoppable = { ...options, signal: AbortSignal.any([options.signal, stop.signal]) }
  const batches = new Batches(stoppable)
  const budget = new Budget(options.limits)
  const addViews = async (items: readonly ScanItem[], source: Source) => {
    const path = items[0]?.path ?? ''
    const { folder, signal } = options
    for await (const view of viewsOf(source, { path, folder, budget, signal })) {
      for (const item of items) await batches.add(item, view)
      await batches.flushIfFull()
    }
  }
  try {
    await readPush(options, addViews)
    return expandToAllPaths(await batches.finish(), options.newObjects)
  } finally {
    stop.abort()
    await batches.settled()
  }
}

/** Collects texts in batches and scans each with one run of gitleaks, one run at a time. */
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

  /** Starts the next batch when this one is full. Called between views, so that a view's windows stay in one batch. */
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
    const matches = await runGitleaks({ ...this.#options, scanFiles: writer })
    const { located, rescans } = await locate(matches, writer)
    this.#matches.push(...located)
    this.#rescans.push(...rescans)
    await writer.clear()
  }

  /** Scans the last batch and returns the matches of all batches. */
  async finish(): Promise<LocatedMatch[]> {
    await this.#flush()
    await this.#running
    if (this.#rescans.length > 0)
      this.#matches.push(...(await rescanSeparately(this.#rescans, this.#options)))
    return this.#matches
  }

  /** Resolves when no gitleaks runs any more. */
  settled(): Promise<void> {
    return this.#running.catch(() => {})
  }
}

/** Scans each text in a file of its own, where a match reached over the border of two texts in one file. */
async function rescanSeparately(rescans: readonly Rescan[], options: ScanOptions): Promise<LocatedMatch[]> {
  const writer = new ScanFileWriter(join(options.folder, 'again'), true)
  for (const { range, content } of rescans) {
    const { encodings, archivePath, lines } = range.view
    await writer.add(range.item, {
      content,
      encodings,
      archivePath,
      lines: skipRows(lines, range.firstViewLine),
    })
  }
  await writer.finish()
  const matches = await runGitleaks({ ...options, scanFiles: writer })
  const { located } = await locate(matches, writer)
  await writer.clear()
  return located
}

function skipRows(lines: LineMap, rows: number): LineMap {
  if (lines.kind === 'from') return { kind: 'from', first: lines.first + rows }
  return lines.kind === 'list' ? { kind: 'list', lines: lines.lines.slice(rows) } : lines
}

/**
 * Repeats a match for every place of its blob that was scanned with it, since an exception or an allowed path covers
 * one place only.
 */
function expandToAllPaths(
  matches: readonly LocatedMatch[],
  { blobs }: Pick<Searchable, 'blobs'>,
): LocatedMatch[] {
  const expanded: LocatedMatch[] = []
  const placesByItem = new Map<ScanItem, readonly ScanItem[]>()
  const placesWithSameName = (item: ScanItem) => {
    const places = item.kind === 'file' && item.blob !== undefined ? (blobs.get(item.blob) ?? []) : []
    const same = places.filter(({ path }) => scanNameFor(path) === scanNameFor(item.path))
    return same.length > 1 ? same.map(({ commit, path }) => ({ ...item, commit, path })) : [item]
  }
  for (const match of matches) {
    const items = placesByItem.get(match.item) ?? placesWithSameName(match.item)
    placesByItem.set(match.item, items)
    if (expanded.length + items.length > MAX_FINDINGS)
      throw new LimitExceeded(`it holds more than ${MAX_FINDINGS} secrets`, 'push it in smaller parts')
    for (const item of items) expanded.push(item === match.item ? match : { ...match, item })
  }
  return expanded
}
