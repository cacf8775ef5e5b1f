import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lineOfRow } from '../decode/line-map.ts'
import type { View } from '../views/view.ts'
import type { KeywordSearch } from './keyword-search.ts'
import { kubernetesSecretEntries } from './kubernetes-secrets.ts'
import { KEY_STORE_NAME, NEUTRAL_NAME, scanNameFor, YAML_NAME } from './scan-names.ts'
import { type KeywordFile, similarFile } from './similar-file.ts'
import { validUtf8 } from './valid-utf8.ts'
import { newlines, type Window, windows } from './windows.ts'

/** gitleaks reads a file in parts of 100,000 bytes that do not overlap, so no scan file is larger. */
const FILE_BYTES = 99_000
/**
 * gitleaks skips a file as a binary by its first bytes, so each file begins with the gate's own, which reach beyond
 * every offset that gitleaks inspects but one.
 */
const HEADER = Buffer.from(`git-gate\n${`${' '.repeat(79)}\n`.repeat(9)}`)
const HEADER_LINES = 10
const ISO_OFFSET = 32_769
/**
 * The separator of two texts, so that no match reaches into the next text: gitleaks drops many matches for their
 * content and does not scan their bytes again. No rule's value or gap takes its characters, and it closes open quotes.
 */
const SEPARATOR = Buffer.from('!\n!"\n!\'\n!\n')
/** The gap in the rule for Kubernetes secrets takes up to 200 arbitrary characters. */
const YAML_SEPARATOR = Buffer.concat([Buffer.from(`${'! '.repeat(100)}\n`), SEPARATOR])
const BEFORE_CANARY = Buffer.from('!\n')

/** A place of a scanned content: a file at one of its paths, a message, or a name. */
export interface ScanItem {
  readonly commit: string
  readonly path: string
  readonly kind:
    | 'file'
    | 'commit message'
    | 'commit header'
    | 'tag'
    | 'file name'
    | 'ref name'
    | 'push option'
    | 'LFS object'
    | 'host call'
  /** The id of the blob, for a file. */
  readonly blob?: string
  /** The ref that brings the item, where no commit says so. */
  readonly ref?: string
}

/** The lines of a scan file that hold one text. */
export interface TextRange {
  readonly firstLine: number
  readonly lineCount: number
  readonly item: ScanItem
  readonly view: Pick<View, 'encodings' | 'archivePath' | 'lines' | 'isBinary'>
  /** The row of the view that the first line is, from 0. */
  readonly firstViewLine: number
}

export interface ScanFile {
  readonly name: string
  readonly ranges: readonly TextRange[]
  readonly canaryLine: number
}

interface OpenFile extends KeywordFile {
  readonly keywords: Set<string>
  readonly parts: Buffer[]
  readonly ranges: TextRange[]
  size: number
  lines: number
}

interface ScanFileOptions {
  /** Writes every window to a file of its own. */
  readonly separateFiles?: boolean
  /** The keywords to find in the files. */
  readonly keywords?: KeywordSearch | undefined
}

/**
 * Writes texts to files for gitleaks: in windows, several texts of similar keywords to a file of bounded size, each file
 * with a canary.
 */
export class ScanFileWriter {
  readonly folder: string
  readonly canary = `git-gate-canary-${randomBytes(16).toString('hex')}`
  readonly #open = new Map<string, OpenFile[]>()
  #files: ScanFile[] = []
  #bytes = 0
  #count = 0

  /** The keywords of rules that the written files have. */
  readonly keywords = new Set<string>()
  readonly #separateFiles: boolean
  readonly #search: KeywordSearch | undefined

  constructor(folder: string, { separateFiles = false, keywords }: ScanFileOptions = {}) {
    this.folder = folder
    this.#separateFiles = separateFiles
    this.#search = keywords
    // Every file has its canary, whose rule has a keyword too.
    keywords?.search(Buffer.concat([HEADER, Buffer.from(this.canary)]), this.keywords)
  }

  get bytes(): number {
    return this.#bytes
  }
  get files(): readonly ScanFile[] {
    return this.#files
  }

  async add(item: ScanItem, view: View): Promise<void> {
    const name = scanNameFor(view.name ?? view.archivePath.at(-1) ?? (item.kind === 'file' ? item.path : ''))
    // The name stands for one file, so its text shares no scan file. A match over two texts would be scanned again.
    const isSeparate = name === KEY_STORE_NAME || view.name !== undefined || this.#separateFiles
    if (isSeparate) await this.#flush(name)
    const entries = name === YAML_NAME ? kubernetesSecretEntries(view) : undefined
    for (const { content, lines } of entries ? [view, entries] : [view])
      for (const window of windows(content, WINDOW_BYTES)) {
        const file = await this.#place(
          name,
          {
            item,
            view: {
              encodings: view.encodings,
              archivePath: view.archivePath,
              lines,
              isBinary: view.isBinary === true,
            },
          },
          window,
        )
        // A private key without its end would run on into the next text.
        if (isSeparate || window.hasOpenKey) await this.#write(name, file)
      }
  }

  async #place(name: string, source: Pick<TextRange, 'item' | 'view'>, window: Window): Promise<OpenFile> {
    const { content } = window
    const separator = name === YAML_NAME ? YAML_SEPARATOR : SEPARATOR
    const keywords = new Set<string>()
    this.#search?.search(content, keywords)
    let open = similarFile(this.#open.get(name) ?? [], keywords, content.length)
    if (open && open.size + separator.length + content.length + 1 > FILE_BYTES) {
      await this.#write(name, open)
      open = undefined
    }
    if (open) append(open, separator)
    else open = this.#openFile(name)
    for (const keyword of keywords) open.keywords.add(keyword)
    const firstLine = open.lines + 1
    append(open, content, NEWLINE)
    open.ranges.push({
      ...source,
      firstLine,
      lineCount: open.lines + 1 - firstLine,
      firstViewLine: window.line,
    })
    return open
  }

  #openFile(name: string): OpenFile {
    const file: OpenFile = {
      keywords: new Set(),
      parts: [HEADER],
      ranges: [],
      size: HEADER.length,
      lines: HEADER_LINES,
    }
    this.#open.set(name, [...(this.#open.get(name) ?? []), file])
    return file
  }

  async #flush(name: string): Promise<void> {
    for (const file of this.#open.get(name) ?? []) await this.#write(name, file)
  }

  async #write(name: string, open: OpenFile): Promise<void> {
    const others = (this.#open.get(name) ?? []).filter(file => file !== open)
    if (others.length > 0) this.#open.set(name, others)
    else this.#open.delete(name)
    append(open, BEFORE_CANARY)
    let content = validUtf8(Buffer.concat([...open.parts, Buffer.from(`${this.canary}\n`)]))
    if (content.toString('latin1', ISO_OFFSET, ISO_OFFSET + 5) === 'CD001')
      content = Buffer.concat([SPACE, content])
    for (const keyword of open.keywords) this.keywords.add(keyword)
    const file = `${++this.#count}-${name}`
    if (this.#count === 1) await mkdir(this.folder, { mode: 0o700, recursive: true })
    await writeFile(join(this.folder, file), content, { mode: 0o600, flag: 'wx' })
    this.#bytes += content.length
    this.#files.push({ name: file, ranges: open.ranges, canaryLine: open.lines + 1 })
  }

  /** Writes the open files. There is always at least one file, for its canary. */
  async finish(): Promise<void> {
    for (const name of [...this.#open.keys()]) await this.#flush(name)
    if (this.#count === 0) {
      await this.#write(NEUTRAL_NAME, this.#openFile(NEUTRAL_NAME))
    }
  }

  async lines(scanFile: ScanFile): Promise<readonly Buffer[]> {
    const content = await readFile(join(this.folder, scanFile.name))
    const lines: Buffer[] = []
    for (let from = 0; from <= content.length; ) {
      const end = content.indexOf(10, from)
      lines.push(content.subarray(from, end < 0 ? content.length : end))
      from = end < 0 ? content.length + 1 : end + 1
    }
    return lines
  }

  /** Removes all written files. */
  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
    this.#files = []
    this.#bytes = 0
    this.#count = 0
  }
}

const NEWLINE = Buffer.from('\n')
const SPACE = Buffer.from(' ')

const WINDOW_BYTES = FILE_BYTES - HEADER.length - 200

function append(open: OpenFile, ...parts: readonly Buffer[]): void {
  for (const part of parts) {
    open.parts.push(part)
    open.size += part.length
    open.lines += newlines(part)
  }
}

/** Returns the line of the source for a line of the scan file. */
export function sourceLine(range: TextRange, scanLine: number): number {
  return lineOfRow(range.view.lines, range.firstViewLine + scanLine - range.firstLine)
}
