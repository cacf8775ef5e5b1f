import { join } from 'node:path'
import { inBytes } from '../../limits.ts'
import type { Source } from '../bytes/byte-source.ts'
import type { LineMap } from '../decode/line-map.ts'
import type { ScanConfig } from '../gitleaks/config.ts'
import { type LocatedMatch, locate, type Rescan } from '../gitleaks/locate.ts'
import { ScanFileWriter, type ScanItem } from '../gitleaks/scan-files.ts'
import { type GitleaksMatch, runGitleaks } from '../gitleaks/verified-run.ts'
import type { ViewOptions } from '../views/expand-options.ts'
import { viewsOf } from '../views/views.ts'

export interface BatchOptions {
  /** A folder for temporary files. */
  readonly folder: string
  readonly signal: AbortSignal
  readonly onPhase: (phase: string) => void
  /** The path of the gitleaks binary. */
  readonly gitleaks: string
  readonly config: Pick<ScanConfig, 'keywords' | 'fileFor'>
  /** Receives the bytes given to gitleaks, for each of its processes. */
  readonly onScanned?: ((bytes: number) => void) | undefined
}

/** The text that one run of gitleaks gets at most, in bytes. The next batch is read while it runs. */
const BATCH_BYTES = 16 << 20
/** The text for which gitleaks is started while no other run of it is on, in bytes. */
const IDLE_BATCH_BYTES = 6 << 20

/** Collects texts in batches and scans each with one run of gitleaks, one run at a time. */
export class Batches {
  readonly #options: BatchOptions
  #count = 0
  #open: ScanFileWriter
  #running: Promise<void> = Promise.resolve()
  #isRunning = false
  #matches: LocatedMatch[] = []
  #rescans: Rescan[] = []

  constructor(options: BatchOptions) {
    this.#options = options
    this.#open = this.#newWriter()
  }

  #newWriter(): ScanFileWriter {
    const { folder, config } = this.#options
    return new ScanFileWriter(join(folder, `texts-${this.#count++}`), config)
  }

  /**
   * Adds every view of a content, for each of its places. Starts the next batch between views when this one is full, or
   * large and no gitleaks runs: a view's windows stay in one batch.
   */
  async addViews(items: readonly ScanItem[], source: Source, options: ViewOptions): Promise<void> {
    for await (const view of viewsOf(source, options)) {
      for (const item of items) await this.#open.add(item, view)
      if (this.#open.bytes > (this.#isRunning ? BATCH_BYTES : IDLE_BATCH_BYTES)) await this.#flush()
    }
  }

  async #flush(): Promise<void> {
    const writer = this.#open
    this.#open = this.#newWriter()
    await writer.finish()
    await this.#running
    this.#isRunning = true
    this.#running = this.#scan(writer).finally(() => {
      this.#isRunning = false
    })
    this.#running.catch(() => {})
  }

  async #scan(writer: ScanFileWriter): Promise<void> {
    this.#options.onPhase(`scanning ${inBytes(writer.bytes)}`)
    const matches = await runOver(writer, this.#options)
    const { located, rescans } = await locate(matches, writer)
    for (const match of located) this.#matches.push(match)
    for (const rescan of rescans) this.#rescans.push(rescan)
    await writer.clear()
  }

  /** Scans the last batch and returns the matches of all batches since the last call. */
  async finish(): Promise<LocatedMatch[]> {
    await this.#flush()
    await this.#running
    const [matches, rescans] = [this.#matches, this.#rescans]
    this.#matches = []
    this.#rescans = []
    if (rescans.length > 0)
      for (const match of await rescanSeparately(rescans, this.#options)) matches.push(match)
    return matches
  }

  /** Resolves when no gitleaks runs any more. */
  settled(): Promise<void> {
    return this.#running.catch(() => {})
  }
}

/** Runs gitleaks over written texts, with the rules that they need. */
async function runOver(writer: ScanFileWriter, options: BatchOptions): Promise<GitleaksMatch[]> {
  const config = await options.config.fileFor(writer.keywords)
  return runGitleaks({ ...options, config, scanFiles: writer })
}

/** Scans each text in a file of its own, where a match reached over the border of two texts in one file. */
async function rescanSeparately(rescans: readonly Rescan[], options: BatchOptions): Promise<LocatedMatch[]> {
  const { keywords } = options.config
  const writer = new ScanFileWriter(join(options.folder, 'again'), { separateFiles: true, keywords })
  for (const { range, content } of rescans) {
    const { encodings, archivePath, lines, isBinary } = range.view
    await writer.add(range.item, {
      content,
      encodings,
      archivePath,
      ...(isBinary ? { isBinary } : {}),
      lines: skipRows(lines, range.firstViewLine),
    })
  }
  await writer.finish()
  const matches = await runOver(writer, options)
  const { located } = await locate(matches, writer)
  await writer.clear()
  return located
}

function skipRows(lines: LineMap, rows: number): LineMap {
  if (lines.kind === 'from') return { kind: 'from', first: lines.first + rows }
  return lines.kind === 'list' ? { kind: 'list', lines: lines.lines.slice(rows) } : lines
}
