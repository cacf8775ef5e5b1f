import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { View } from '../decode/views.ts'
import { dataEntries, lineIn } from './kubernetes-secrets.ts'
import { newlines, type Window, windows } from './windows.ts'

/** gitleaks reads a file in pieces of 100,000 bytes that do not overlap, so no file is larger. */
const FILE_BYTES = 99_000
/**
 * A file's first bytes decide whether gitleaks skips it as a binary, so they are the gate's own, beyond all offsets
 * that it looks at but one.
 */
const HEADER = Buffer.from(`git-gate\n${`${' '.repeat(79)}\n`.repeat(9)}`)
const HEADER_LINES = 10
const ISO_OFFSET = 32_769
/**
 * Between two texts, so that no match runs on into the next: gitleaks drops many for what they hold, and does not look
 * again at what they have run over. No rule's value or gap has its letter, and it closes what a quote opens.
 */
const BETWEEN = Buffer.from('!\n!"\n!\'\n!\n')
/** The gap of the rule for Kubernetes secrets has any letter, 200 times. */
const LONG_BETWEEN = Buffer.concat([Buffer.from(`${'! '.repeat(100)}\n`), BETWEEN])
const BEFORE_CANARY = Buffer.from('!\n')

/** What is scanned: a file's content at one of its places, a message, a name. */
export interface Item {
  readonly commit: string
  readonly path: string
  readonly kind: 'file' | 'commit message' | 'commit header' | 'tag' | 'file name' | 'ref name'
  /** The blob's id, for a file. */
  readonly blob?: string
  /** The ref it came with, where it is not for its commit to say. */
  readonly ref?: string
}

/** A run of lines in a scanned file, and what they are. */
export interface Stretch {
  readonly firstLine: number
  readonly lineCount: number
  readonly item: Item
  readonly view: Pick<View, 'how' | 'inner' | 'lines'>
  /** The view's line that the first one is, from 0. */
  readonly viewLine: number
}

export interface Pack {
  readonly name: string
  readonly stretches: readonly Stretch[]
  readonly canaryLine: number
}

const NEUTRAL = 'x.txt'
const YAML = 'x.yaml'
const KEY_STORE = 'x.p12'

/**
 * The names that gitleaks' own rules ask for, also of what is packed by itself; all other files get a neutral one, so
 * that no rule passes a file over because of its path.
 */
const CLASSES: readonly [RegExp, string][] = [
  ['nuget\\.config', 'nuget.config'],
  ['\\.php', 'x.php'],
  ['\\.(?:tf|hcl)', 'x.tf'],
  ['\\.ya?ml', YAML],
  ['(?:^|/)[^/]+\\.p(?:12|fx)', KEY_STORE],
].map(([pattern, name]) => [new RegExp(`${pattern}(?:\\.(?:gz|z|bz2|xz|zst))?$`, 'i'), name ?? ''])

/** The name that a file is scanned under: two paths with the same one are scanned alike. */
export const nameFor = (path: string) => CLASSES.find(([pattern]) => pattern.test(path))?.[1] ?? NEUTRAL

/** Does any rule ask for such a name? */
export const goesByName = (path: string) => nameFor(path) !== NEUTRAL

interface Open {
  readonly parts: Buffer[]
  readonly stretches: Stretch[]
  size: number
  lines: number
}

/** Text on its way to gitleaks: windows of it, packed into files of bounded size, each with a planted canary. */
export class Packs {
  readonly folder: string
  readonly canary = `git-gate-canary-${randomBytes(16).toString('hex')}`
  readonly #open = new Map<string, Open>()
  #written: Pack[] = []
  #bytes = 0
  #count = 0

  readonly #oneEach: boolean

  /** `oneEach`: every window in a file of its own. */
  constructor(folder: string, oneEach = false) {
    this.folder = folder
    this.#oneEach = oneEach
  }

  get bytes(): number {
    return this.#bytes
  }
  get written(): readonly Pack[] {
    return this.#written
  }

  async add(item: Item, view: View): Promise<void> {
    const name = nameFor(view.name ?? view.inner.at(-1) ?? (item.kind === 'file' ? item.path : ''))
    // A match that runs from one text into another has both scanned again, by their files' names.
    const isAlone = name === KEY_STORE || view.name !== undefined || this.#oneEach
    if (isAlone) await this.#flush(name)
    const entries = name === YAML ? dataEntries(view) : undefined
    for (const { content, lines } of entries ? [view, entries] : [view])
      for (const window of windows(content, WINDOW_BYTES)) {
        await this.#place(name, { item, view: { how: view.how, inner: view.inner, lines } }, window)
        // Whatever is behind an open key would be taken for the rest of it.
        if (isAlone || window.isOpen) await this.#flush(name)
      }
  }

  async #place(name: string, of: Pick<Stretch, 'item' | 'view'>, window: Window): Promise<void> {
    const { content } = window
    const between = name === YAML ? LONG_BETWEEN : BETWEEN
    let open = this.#open.get(name)
    if (open && open.size + between.length + content.length + 1 > FILE_BYTES) {
      await this.#flush(name)
      open = undefined
    }
    if (open) put(open, between)
    else {
      open = { parts: [HEADER], stretches: [], size: HEADER.length, lines: HEADER_LINES }
      this.#open.set(name, open)
    }
    const firstLine = open.lines + 1
    put(open, content, NEWLINE)
    open.stretches.push({ ...of, firstLine, lineCount: open.lines + 1 - firstLine, viewLine: window.line })
  }

  async #flush(name: string): Promise<void> {
    const open = this.#open.get(name)
    if (!open) return
    this.#open.delete(name)
    put(open, BEFORE_CANARY)
    let content = Buffer.concat([...open.parts, Buffer.from(`${this.canary}\n`)])
    if (content.toString('latin1', ISO_OFFSET, ISO_OFFSET + 5) === 'CD001')
      content = Buffer.concat([SPACE, content])
    const file = `${++this.#count}-${name}`
    if (this.#count === 1) await mkdir(this.folder, { mode: 0o700, recursive: true })
    await writeFile(join(this.folder, file), content, { mode: 0o600, flag: 'wx' })
    this.#bytes += content.length
    this.#written.push({ name: file, stretches: open.stretches, canaryLine: open.lines + 1 })
  }

  /** Writes what is open; there is always at least one file, for its canary. */
  async finish(): Promise<void> {
    for (const name of [...this.#open.keys()]) await this.#flush(name)
    if (this.#count === 0) {
      this.#open.set(NEUTRAL, { parts: [HEADER], stretches: [], size: HEADER.length, lines: HEADER_LINES })
      await this.#flush(NEUTRAL)
    }
  }

  async lines(pack: Pack): Promise<readonly Buffer[]> {
    const content = await readFile(join(this.folder, pack.name))
    const lines: Buffer[] = []
    for (let from = 0; from <= content.length; ) {
      const end = content.indexOf(10, from)
      lines.push(content.subarray(from, end < 0 ? content.length : end))
      from = end < 0 ? content.length + 1 : end + 1
    }
    return lines
  }

  /** Forgets what was written, and removes it. */
  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
    this.#written = []
    this.#bytes = 0
    this.#count = 0
  }
}

const NEWLINE = Buffer.from('\n')
const SPACE = Buffer.from(' ')

const WINDOW_BYTES = FILE_BYTES - HEADER.length - 200

function put(open: Open, ...parts: readonly Buffer[]): void {
  for (const part of parts) {
    open.parts.push(part)
    open.size += part.length
    open.lines += newlines(part)
  }
}

/** The line of the file that a line of a stretch stands for. */
export function lineOf(stretch: Stretch, packLine: number): number {
  return lineIn(stretch.view.lines, stretch.viewLine + packLine - stretch.firstLine)
}
