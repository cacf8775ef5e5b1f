import { setImmediate as breathe } from 'node:timers/promises'
import { OverLimit } from '../limits.ts'
import { armoured } from './armour.ts'
import type { Budget } from './budget.ts'
import { type Unescaped, unescaped, unquoted } from './escapes.ts'
import { decodedInPlace } from './in-place.ts'
import { isPacked, packedIn } from './packed.ts'
import { runsOf } from './runs.ts'
import { collect, inMemory, SEGMENT, type Source } from './source.ts'
import { holdsText, isText, narrow, READABLE } from './text.ts'
import { unpack } from './unpack.ts'
import { wideText } from './wide.ts'

/** Which line of the file a line of a view stands for: one after the other from `first`, always the same, or listed. */
export type LineMap =
  | { readonly kind: 'from'; readonly first: number }
  | { readonly kind: 'at'; readonly line: number }
  | { readonly kind: 'list'; readonly lines: readonly number[] }

/** One way to read a file: as it is, or decoded. */
export interface View {
  readonly content: Buffer
  readonly lines: LineMap
  /** What was undone to get here, outermost first; empty: nothing. */
  readonly how: readonly string[]
  /** The path inside archives, outermost first. */
  readonly inner: readonly string[]
}

export interface ViewOptions {
  readonly path: string
  readonly folder: string
  readonly budget: Budget
  readonly signal: AbortSignal
}

/** A segment begins again this much before the last one ended, so that what lies across is whole in one of them. */
const OVERLAP = 64 << 10

interface Trail {
  readonly depth: number
  readonly how: readonly string[]
  readonly inner: readonly string[]
  /** Set when every line stands for this one. */
  readonly line?: number
}

/** Every view of `source`: itself, then whatever is encoded, compressed or archived in it, to the limits. */
export async function* viewsOf(source: Source, options: ViewOptions): AsyncGenerator<View> {
  yield* look(source, { depth: 0, how: [], inner: [] }, options)
}

async function* look(source: Source, trail: Trail, options: ViewOptions): AsyncGenerator<View> {
  const { signal } = options
  let line = 1
  const opened = new Set<number>()
  let isPicture = false
  for (let start = 0; start < source.size; start += SEGMENT - OVERLAP) {
    signal.throwIfAborted()
    const segment = await source.read(start, Math.min(SEGMENT, source.size - start))
    const lineAt = lineCounter(segment, line)
    yield isText(segment)
      ? { ...of(trail), content: segment, lines: at(trail, line) }
      : printableRuns(segment, trail, lineAt)
    yield* hidden(segment, trail, lineAt, options)
    if (start === 0) isPicture = segment.subarray(0, PNG.length).equals(PNG)
    for (const packed of packedIn(segment, start === 0, isPicture)) {
      const where = start + packed.at
      if (opened.has(where)) continue
      opened.add(where)
      options.budget.open(trail.depth + 1, options.path)
      const content = await collect(
        unpack(source, { ...packed, at: where }, options.budget, options.path, signal),
        options.folder,
      )
      try {
        if (content.size === 0) continue
        const inner = packed.name ? [...trail.inner, packed.name] : trail.inner
        yield* look(
          content,
          { depth: trail.depth + 1, how: [...trail.how, packed.name ? 'zip' : packed.kind], inner },
          options,
        )
      } finally {
        await content.dispose()
      }
    }
    if (start + segment.length >= source.size) break
    line = lineAt(segment.length - OVERLAP)
    await breathe()
  }
}

const at = (trail: Trail, first: number): LineMap =>
  trail.line === undefined ? { kind: 'from', first } : { kind: 'at', line: trail.line }

const of = (trail: Trail): Pick<View, 'how' | 'inner'> => ({ how: trail.how, inner: trail.inner })

const PNG = Buffer.from('\x89PNG', 'latin1')

/** No secret that gitleaks knows is shorter, and random bytes seldom are printable for as long. */
const RUN_BYTES = 6

/**
 * What can be read in binary content, as strings(1) shows it: gitleaks' patterns match printable text only, and
 * spend most of their time on bytes that are none.
 */
function printableRuns(segment: Buffer, trail: Trail, lineAt: (offset: number) => number): View {
  const runs: string[] = []
  const lines: number[] = []
  for (const { from, to } of runsOf(segment, READABLE, RUN_BYTES)) {
    const first = trail.line ?? lineAt(from)
    const run = segment.toString('latin1', from, to)
    runs.push(run)
    for (let row = run.split('\n').length, i = 0; i < row; i++) lines.push(trail.line ?? first + i)
  }
  return {
    ...of(trail),
    content: Buffer.from(`${runs.join('\n')}\n`, 'latin1'),
    lines: { kind: 'list', lines },
  }
}

/** The line of an offset in `segment`, by counting on from the last one asked for. */
function lineCounter(segment: Buffer, first: number): (offset: number) => number {
  let from = 0
  let line = first
  return offset => {
    if (offset < from) {
      from = 0
      line = first
    }
    for (let i = segment.indexOf(10, from); i >= 0 && i < offset; i = segment.indexOf(10, i + 1)) line++
    from = Math.max(from, offset)
    return line
  }
}

/** Nothing packed that is shorter holds a secret. */
const MIN_PACKED = 40

const worth = {
  start(start: Buffer): boolean {
    if (isPacked(start) || isText(start)) return true
    const plain = narrow(start)
    return plain !== start && isText(plain)
  },
  whole: (content: Buffer) =>
    holdsText(content) || (content.length >= MIN_PACKED && packedIn(content, true).length > 0),
}

/** So many encodings inside one another are undone. */
const MAX_ENCODED = 24

function deeper(how: string, trail: Trail, { path }: ViewOptions): Trail {
  if (trail.depth >= MAX_ENCODED)
    throw new OverLimit(`${path} is encoded many times over`, 'push the file itself')
  return { depth: trail.depth + 1, how: [...trail.how, how], inner: trail.inner }
}

async function* hidden(
  segment: Buffer,
  trail: Trail,
  lineAt: (offset: number) => number,
  options: ViewOptions,
): AsyncGenerator<View> {
  const line = (offset: number) => trail.line ?? lineAt(offset)
  const wide = wideText(segment)
  if (wide.whole) {
    // It has the same lines, so it is read as if it were the file.
    const next = {
      ...deeper('UTF-16', trail, options),
      ...(trail.line === undefined ? {} : { line: trail.line }),
    }
    yield { content: wide.whole, lines: at(next, lineAt(0)), how: next.how, inner: next.inner }
    yield* hidden(wide.whole, next, lineCounter(wide.whole, lineAt(0)), options)
  }
  for (const run of wide.runs)
    yield* look(inMemory(run.content), { ...deeper(run.how, trail, options), line: line(run.at) }, options)
  if (wide.whole) return
  const first = lineAt(0)
  yield* undone(segment, trail, row => trail.line ?? first + row, options)
  yield* nested(segment, trail, line, options)
}

interface Undo {
  readonly how: string
  readonly undo: (text: Buffer) => Unescaped | undefined
  /** Is more looked for inside? What base64 stands for is looked at by itself, and then in that. */
  readonly hidesMore: boolean
}

const UNDO: readonly Undo[] = [
  { how: 'escapes', undo: unescaped, hidesMore: true },
  { how: 'quoted-printable', undo: unquoted, hidesMore: true },
  { how: 'base64', undo: decodedInPlace, hidesMore: false },
]

/** `text` with what is encoded in it undone where it stands, and what can be undone in that, and so on. */
async function* undone(
  text: Buffer,
  trail: Trail,
  lineOf: (row: number) => number,
  options: ViewOptions,
): AsyncGenerator<View> {
  for (const { how, undo, hidesMore } of UNDO) {
    const plain = undo(text)
    if (!plain) continue
    const next = deeper(how, trail, options)
    const lines = plain.lines.map(lineOf)
    yield { content: plain.content, lines: { kind: 'list', lines }, how: next.how, inner: next.inner }
    const inPlain = (row: number) => lines[row] ?? 0
    if (hidesMore) {
      const row = lineCounter(plain.content, 0)
      yield* nested(plain.content, next, offset => inPlain(row(offset)), options)
    }
    // A file's own text is as long as the file; what is undone in what was undone can grow in number.
    if (trail.depth > 0) options.budget.spend(plain.content.length, options.path)
    yield* undone(plain.content, next, inPlain, options)
  }
}

/** What is in base64 or hex or the like in `text`, and in that, and so on. */
async function* nested(
  text: Buffer,
  trail: Trail,
  line: (offset: number) => number,
  options: ViewOptions,
): AsyncGenerator<View> {
  let known = 0
  for (const decoded of armoured(text, worth).sort((a, b) => a.at - b.at)) {
    if (++known % 256 === 0) await breathe()
    options.signal.throwIfAborted()
    const next = { ...deeper(decoded.how, trail, options), line: line(decoded.at) }
    options.budget.spend(decoded.content.length, options.path)
    yield* look(inMemory(decoded.content), next, options)
  }
}
