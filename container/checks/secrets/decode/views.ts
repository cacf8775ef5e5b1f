import { setImmediate as breathe } from 'node:timers/promises'
import { OverLimit } from '../../limits.ts'
import type { Budget } from '../bytes/budget.ts'
import { collect, inMemory, SEGMENT, type Source } from '../bytes/byte-source.ts'
import { holdsText, isText, narrow } from '../bytes/is-text.ts'
import { goesByName } from '../gitleaks/scan-files.ts'
import { holdsPacked, isPacked, membersIn, packedIn } from '../unpack/find-streams.ts'
import { unpack } from '../unpack/unpack.ts'
import { uncoloured } from './ansi-codes.ts'
import { prefixedStrings, printableRuns, type Strings } from './binary-strings.ts'
import { armoured, type Decoded, type Worth } from './encoded-blocks.ts'
import { type Unescaped, unescaped, unquoted } from './escapes.ts'
import { decodedInPlace } from './inline-base64.ts'
import { openBlock } from './segment-boundary.ts'
import { wideText } from './utf16-utf32.ts'
import { Seen } from './visited-texts.ts'

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
  /** The name that rules go by, where it is neither the file's nor the last of these. */
  readonly name?: string
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
  readonly name?: string
  /** The line that it begins in, where that is not the first. */
  readonly first?: number
  /** Set when every line stands for this one. */
  readonly line?: number
}

/** Every view of `source`: itself, then whatever is encoded, compressed or archived in it, to the limits. */
export async function* viewsOf(source: Source, options: ViewOptions): AsyncGenerator<View> {
  yield* look(source, { depth: 0, how: [], inner: [] }, { ...options, seen: new Seen(options.path) })
}

interface Ways extends ViewOptions {
  readonly seen: Seen
}

async function* look(source: Source, trail: Trail, options: Ways): AsyncGenerator<View> {
  const { signal, budget, path, seen } = options
  // What was decoded is as long as what it was decoded from, which has been counted.
  if (trail.line === undefined) seen.grow(source.size)
  let line = trail.first ?? 1
  const opened = new Set<number>()
  const named = new Set<number>()
  let isPicture = false
  for (let start = 0; start < source.size; ) {
    await turn(options)
    const segment = await source.read(start, Math.min(SEGMENT, source.size - start))
    const lineAt = lineCounter(segment, line)
    yield isText(segment)
      ? { ...of(trail), content: segment, lines: at(trail, line) }
      : inPieces(
          budget.work(() => printableRuns(segment, lineAt)),
          trail,
        )
    const prefixed = budget.work(() => prefixedStrings(segment, lineAt))
    if (prefixed) yield inPieces(prefixed, trail)
    yield* hidden(segment, trail, lineAt, options)
    if (start === 0) isPicture = segment.subarray(0, PNG.length).equals(PNG)
    for (const packed of budget.work(() => packedIn(segment, { budget, isStart: start === 0, isPicture }))) {
      const where = start + packed.at
      if (opened.has(where)) continue
      opened.add(where)
      budget.open(trail.depth + 1, path)
      const content = await collect(
        unpack(source, { ...packed, at: where }, budget, path, signal),
        options.folder,
      )
      try {
        if (content.size === 0) continue
        const inner = packed.name ? [...trail.inner, packed.name] : trail.inner
        const how = [...trail.how, packed.name ? 'zip' : packed.kind]
        const called = packed.called && goesByName(packed.called) ? packed.called : trail.name
        const name = packed.name ? undefined : called
        yield* look(content, { depth: trail.depth + 1, how, inner, ...(name ? { name } : {}) }, options)
      } finally {
        await content.dispose()
      }
    }
    // Their text is read with all else; rules that ask for a name read them again, under theirs.
    for (const { name, at, size } of membersIn(segment)) {
      const where = start + at
      if (!goesByName(name) || where >= source.size || named.has(where)) continue
      named.add(where)
      const member = part(source, where, size)
      budget.open(trail.depth + 1, path)
      budget.spend(member.size, path)
      yield* look(member, { ...trail, depth: trail.depth + 1, name, first: lineAt(at) }, options)
    }
    if (start + segment.length >= source.size) break
    const next = nextFrom(segment)
    line = lineAt(next)
    start += next
  }
}

/** Where the segment behind this one begins: before what lies across their border, unless that is all of this one. */
function nextFrom(segment: Buffer): number {
  const usual = segment.length - OVERLAP
  const block = openBlock(segment)
  return block < OVERLAP ? usual : Math.min(block, usual)
}

/** Between pieces of work: whoever shares the thread has a turn, and whoever waits for this may have gone. */
async function turn({ budget, signal }: ViewOptions): Promise<void> {
  if (budget.isTurnOver()) await breathe()
  signal.throwIfAborted()
}

/** What lies in `source` from `at` on. */
function part(source: Source, at: number, size: number): Source {
  const own = Math.min(size, source.size - at)
  return {
    size: own,
    read: (start, length) => source.read(at + start, Math.min(length, own - start)),
    stream: start => source.stream(at + start),
    dispose: async () => {},
  }
}

const at = (trail: Trail, first: number): LineMap =>
  trail.line === undefined ? { kind: 'from', first } : { kind: 'at', line: trail.line }

const of = ({ how, inner, name }: Trail): Pick<View, 'how' | 'inner' | 'name'> => ({
  how,
  inner,
  ...(name ? { name } : {}),
})

const PNG = Buffer.from('\x89PNG', 'latin1')

/** Pieces of a segment as a view, each on lines of its own. */
function inPieces({ content, lines }: Strings, trail: Trail): View {
  const map = trail.line === undefined ? ({ kind: 'list', lines } as const) : at(trail, 0)
  return { ...of(trail), content, lines: map }
}

/** The line of an offset in `segment`, by counting on from the last one asked for. */
function lineCounter(segment: Buffer, first: number): (offset: number) => number {
  const nextFrom = (from: number) => {
    const newline = segment.indexOf(10, from)
    return newline < 0 ? Number.POSITIVE_INFINITY : newline
  }
  let asked = 0
  let line = first
  let newline = nextFrom(0)
  return offset => {
    if (offset < asked) {
      line = first
      newline = nextFrom(0)
    }
    for (; newline < offset; newline = nextFrom(newline + 1)) line++
    asked = offset
    return line
  }
}

/** Nothing packed that is shorter holds a secret. */
const MIN_PACKED = 40

const worthBy = (budget: Budget): Worth => ({
  start(start) {
    if (isPacked(start) || isText(start)) return true
    const plain = narrow(start)
    return plain !== start && isText(plain)
  },
  whole: content => holdsText(content) || (content.length >= MIN_PACKED && holdsPacked(content, budget)),
})

/** So many encodings inside one another are undone. */
const MAX_ENCODED = 24

function deeper(how: string, trail: Trail, { path }: ViewOptions): Trail {
  if (trail.depth >= MAX_ENCODED)
    throw new OverLimit(`${path} is encoded many times over`, 'push the file itself')
  const { line: _, ...rest } = trail
  return { ...rest, depth: trail.depth + 1, how: [...trail.how, how] }
}

async function* hidden(
  segment: Buffer,
  trail: Trail,
  lineAt: (offset: number) => number,
  options: Ways,
): AsyncGenerator<View> {
  const line = (offset: number) => trail.line ?? lineAt(offset)
  const wide = options.budget.work(() => wideText(segment))
  if (wide.whole) {
    // It has the same lines, so it is read as if it were the file.
    const next = {
      ...deeper('UTF-16', trail, options),
      ...(trail.line === undefined ? {} : { line: trail.line }),
    }
    yield { ...of(next), content: wide.whole, lines: at(next, lineAt(0)) }
    yield* hidden(wide.whole, next, lineCounter(wide.whole, lineAt(0)), options)
  }
  for (const run of wide.runs) yield* lookInto(run, trail, line(run.at), options)
  // Also where it is wide: some program may have appended to it what is not.
  const first = lineAt(0)
  yield* undone(segment, trail, row => trail.line ?? first + row, options)
  yield* nested(segment, trail, line, options)
}

/** Looks at what was hidden in a text, and in that, unless it was looked at before. */
async function* lookInto(
  { how, content }: Decoded,
  trail: Trail,
  line: number,
  options: Ways,
): AsyncGenerator<View> {
  const next = { ...deeper(how, trail, options), line }
  const { inner, name = '' } = next
  if (options.budget.work(() => options.seen.isNew(content, [line], 'apart', name, ...inner)))
    yield* look(inMemory(content), next, options)
}

interface Undo {
  readonly how: string
  readonly undo: (text: Buffer) => Unescaped | undefined
  /** Is more looked for inside? What base64 stands for is looked at by itself, and then in that. */
  readonly hidesMore: boolean
}

const UNDO: readonly Undo[] = [
  { how: 'escapes', undo: unescaped, hidesMore: true },
  { how: 'colours', undo: uncoloured, hidesMore: true },
  { how: 'quoted-printable', undo: unquoted, hidesMore: true },
  { how: 'base64', undo: decodedInPlace, hidesMore: false },
]

/** `text` with what is encoded in it undone where it stands, and what can be undone in that, and so on. */
async function* undone(
  text: Buffer,
  trail: Trail,
  lineOf: (row: number) => number,
  options: Ways,
): AsyncGenerator<View> {
  for (const { how, undo, hidesMore } of UNDO) {
    await turn(options)
    const plain = options.budget.work(() => undo(text))
    if (!plain) continue
    const next = deeper(how, trail, options)
    const lines = plain.lines.map(lineOf)
    const { inner, name = '' } = next
    const place = [hidesMore ? 'in place' : 'all in place', name, ...inner]
    if (!options.budget.work(() => options.seen.isNew(plain.content, lines, ...place))) continue
    yield { ...of(next), content: plain.content, lines: { kind: 'list', lines } }
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
  options: Ways,
): AsyncGenerator<View> {
  const { budget } = options
  await turn(options)
  for (const decoded of budget.work(() => armoured(text, worthBy(budget))).sort((a, b) => a.at - b.at)) {
    await turn(options)
    budget.spend(decoded.content.length, options.path)
    yield* lookInto(decoded, trail, line(decoded.at), options)
  }
}
