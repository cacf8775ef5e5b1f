import { setImmediate as breathe } from 'node:timers/promises'
import { LimitExceeded } from '../../limits.ts'
import type { Budget } from '../bytes/budget.ts'
import { memorySource, SEGMENT_BYTES, type Source, spool } from '../bytes/byte-source.ts'
import { containsText, dropZeroBytes, isText } from '../bytes/is-text.ts'
import { hasNameRule } from '../gitleaks/scan-files.ts'
import { containsStream, findStreams, startsLikeStream, storedMembers } from '../unpack/find-streams.ts'
import { unpack } from '../unpack/unpack.ts'
import { stripAnsi } from './ansi-codes.ts'
import { lengthPrefixedStrings, printableRuns, type StringList } from './binary-strings.ts'
import { type DecodedBlock, decodeBlocks, type WorthDecoding } from './encoded-blocks.ts'
import { type DecodedLines, decodeEscapes, decodeQuotedPrintable } from './escapes.ts'
import { decodeInline } from './inline-base64.ts'
import { findOpenBlock } from './segment-boundary.ts'
import { wideText } from './utf16-utf32.ts'
import { VisitedTexts } from './visited-texts.ts'

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
  readonly encodings: readonly string[]
  /** The path inside archives, outermost first. */
  readonly archivePath: readonly string[]
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

interface Nesting {
  readonly depth: number
  readonly encodings: readonly string[]
  readonly archivePath: readonly string[]
  readonly name?: string
  /** The line that it begins in, where that is not the first. */
  readonly first?: number
  /** Set when every line stands for this one. */
  readonly line?: number
}

/** Every view of `source`: itself, then whatever is encoded, compressed or archived in it, to the limits. */
export async function* viewsOf(source: Source, options: ViewOptions): AsyncGenerator<View> {
  yield* expand(
    source,
    { depth: 0, encodings: [], archivePath: [] },
    { ...options, visited: new VisitedTexts(options.path) },
  )
}

interface ExpandOptions extends ViewOptions {
  readonly visited: VisitedTexts
}

async function* expand(source: Source, nesting: Nesting, options: ExpandOptions): AsyncGenerator<View> {
  const { signal, budget, path, visited } = options
  // What was decoded is as long as what it was decoded from, which has been counted.
  if (nesting.line === undefined) visited.addBytes(source.size)
  let line = nesting.first ?? 1
  const openedOffsets = new Set<number>()
  const memberOffsets = new Set<number>()
  let isPng = false
  for (let start = 0; start < source.size; ) {
    await yieldIfDue(options)
    const segment = await source.read(start, Math.min(SEGMENT_BYTES, source.size - start))
    const lineAt = lineCounter(segment, line)
    yield isText(segment)
      ? { ...of(nesting), content: segment, lines: at(nesting, line) }
      : stringsView(
          budget.timed(() => printableRuns(segment, lineAt)),
          nesting,
        )
    const prefixed = budget.timed(() => lengthPrefixedStrings(segment, lineAt))
    if (prefixed) yield stringsView(prefixed, nesting)
    yield* decodeSegment(segment, nesting, lineAt, options)
    if (start === 0) isPng = segment.subarray(0, PNG.length).equals(PNG)
    for (const stream of budget.timed(() => findStreams(segment, { budget, isStart: start === 0, isPng }))) {
      const sourceOffset = start + stream.offset
      if (openedOffsets.has(sourceOffset)) continue
      openedOffsets.add(sourceOffset)
      budget.countStream(nesting.depth + 1, path)
      const content = await spool(
        unpack(source, { ...stream, offset: sourceOffset }, budget, path, signal),
        options.folder,
      )
      try {
        if (content.size === 0) continue
        const archivePath = stream.name ? [...nesting.archivePath, stream.name] : nesting.archivePath
        const encodings = [...nesting.encodings, stream.name ? 'zip' : stream.kind]
        const originalName =
          stream.originalName && hasNameRule(stream.originalName) ? stream.originalName : nesting.name
        const name = stream.name ? undefined : originalName
        yield* expand(
          content,
          { depth: nesting.depth + 1, encodings, archivePath, ...(name ? { name } : {}) },
          options,
        )
      } finally {
        await content.dispose()
      }
    }
    // Their text is read with all else; rules that ask for a name read them again, under theirs.
    for (const { name, offset: at, size } of storedMembers(segment)) {
      const sourceOffset = start + at
      if (!hasNameRule(name) || sourceOffset >= source.size || memberOffsets.has(sourceOffset)) continue
      memberOffsets.add(sourceOffset)
      const member = slice(source, sourceOffset, size)
      budget.countStream(nesting.depth + 1, path)
      budget.addBytes(member.size, path)
      yield* expand(member, { ...nesting, depth: nesting.depth + 1, name, first: lineAt(at) }, options)
    }
    if (start + segment.length >= source.size) break
    const next = nextStart(segment)
    line = lineAt(next)
    start += next
  }
}

/** Where the segment behind this one begins: before what lies across their border, unless that is all of this one. */
function nextStart(segment: Buffer): number {
  const usual = segment.length - OVERLAP
  const block = findOpenBlock(segment)
  return block < OVERLAP ? usual : Math.min(block, usual)
}

/** Between pieces of work: whoever shares the thread has a turn, and whoever waits for this may have gone. */
async function yieldIfDue({ budget, signal }: ViewOptions): Promise<void> {
  if (budget.shouldYield()) await breathe()
  signal.throwIfAborted()
}

/** What lies in `source` from `at` on. */
function slice(source: Source, at: number, size: number): Source {
  const length = Math.min(size, source.size - at)
  return {
    size: length,
    read: (start, length) => source.read(at + start, Math.min(length, length - start)),
    stream: start => source.stream(at + start),
    dispose: async () => {},
  }
}

const at = (nesting: Nesting, first: number): LineMap =>
  nesting.line === undefined ? { kind: 'from', first } : { kind: 'at', line: nesting.line }

const of = ({ encodings, archivePath, name }: Nesting): Pick<View, 'encodings' | 'archivePath' | 'name'> => ({
  encodings,
  archivePath,
  ...(name ? { name } : {}),
})

const PNG = Buffer.from('\x89PNG', 'latin1')

/** Pieces of a segment as a view, each on lines of its own. */
function stringsView({ content, lines }: StringList, nesting: Nesting): View {
  const map = nesting.line === undefined ? ({ kind: 'list', lines } as const) : at(nesting, 0)
  return { ...of(nesting), content, lines: map }
}

/** The line of an offset in `segment`, by counting on from the last one asked for. */
function lineCounter(segment: Buffer, first: number): (offset: number) => number {
  const nextStart = (from: number) => {
    const newline = segment.indexOf(10, from)
    return newline < 0 ? Number.POSITIVE_INFINITY : newline
  }
  let lastOffset = 0
  let line = first
  let newline = nextStart(0)
  return offset => {
    if (offset < lastOffset) {
      line = first
      newline = nextStart(0)
    }
    for (; newline < offset; newline = nextStart(newline + 1)) line++
    lastOffset = offset
    return line
  }
}

/** Nothing packed that is shorter holds a secret. */
const MIN_COMPRESSED = 40

const createWorth = (budget: Budget): WorthDecoding => ({
  prefix(start) {
    if (startsLikeStream(start) || isText(start)) return true
    const plain = dropZeroBytes(start)
    return plain !== start && isText(plain)
  },
  content: content =>
    containsText(content) || (content.length >= MIN_COMPRESSED && containsStream(content, budget)),
})

/** So many encodings inside one another are undone. */
const MAX_ENCODINGS = 24

function nest(encodings: string, nesting: Nesting, { path }: ViewOptions): Nesting {
  if (nesting.depth >= MAX_ENCODINGS)
    throw new LimitExceeded(`${path} is encoded many times over`, 'push the file itself')
  const { line: _, ...rest } = nesting
  return { ...rest, depth: nesting.depth + 1, encodings: [...nesting.encodings, encodings] }
}

async function* decodeSegment(
  segment: Buffer,
  nesting: Nesting,
  lineAt: (offset: number) => number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const line = (offset: number) => nesting.line ?? lineAt(offset)
  const wide = options.budget.timed(() => wideText(segment))
  if (wide.whole) {
    // It has the same lines, so it is read as if it were the file.
    const next = {
      ...nest('UTF-16', nesting, options),
      ...(nesting.line === undefined ? {} : { line: nesting.line }),
    }
    yield { ...of(next), content: wide.whole, lines: at(next, lineAt(0)) }
    yield* decodeSegment(wide.whole, next, lineCounter(wide.whole, lineAt(0)), options)
  }
  for (const run of wide.runs) yield* expandDecoded(run, nesting, line(run.offset), options)
  // Also where it is wide: some program may have appended to it what is not.
  const first = lineAt(0)
  yield* decodeInPlace(segment, nesting, row => nesting.line ?? first + row, options)
  yield* decodeNested(segment, nesting, line, options)
}

/** Looks at what was hidden in a text, and in that, unless it was looked at before. */
async function* expandDecoded(
  { encoding: encodings, content }: DecodedBlock,
  nesting: Nesting,
  line: number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const next = { ...nest(encodings, nesting, options), line }
  const { archivePath, name = '' } = next
  if (options.budget.timed(() => options.visited.isNew(content, [line], 'apart', name, ...archivePath)))
    yield* expand(memorySource(content), next, options)
}

interface InPlaceDecoder {
  readonly encodings: string
  readonly decode: (text: Buffer) => DecodedLines | undefined
  /** Is more looked for inside? What base64 stands for is looked at by itself, and then in that. */
  readonly canNest: boolean
}

const IN_PLACE_DECODERS: readonly InPlaceDecoder[] = [
  { encodings: 'escapes', decode: decodeEscapes, canNest: true },
  { encodings: 'colours', decode: stripAnsi, canNest: true },
  { encodings: 'quoted-printable', decode: decodeQuotedPrintable, canNest: true },
  { encodings: 'base64', decode: decodeInline, canNest: false },
]

/** `text` with what is encoded in it undone where it stands, and what can be undone in that, and so on. */
async function* decodeInPlace(
  text: Buffer,
  nesting: Nesting,
  lineOf: (row: number) => number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  for (const { encodings, decode, canNest } of IN_PLACE_DECODERS) {
    await yieldIfDue(options)
    const plain = options.budget.timed(() => decode(text))
    if (!plain) continue
    const next = nest(encodings, nesting, options)
    const lines = plain.lines.map(lineOf)
    const { archivePath, name = '' } = next
    const place = [canNest ? 'in place' : 'all in place', name, ...archivePath]
    if (!options.budget.timed(() => options.visited.isNew(plain.content, lines, ...place))) continue
    yield { ...of(next), content: plain.content, lines: { kind: 'list', lines } }
    const inPlain = (row: number) => lines[row] ?? 0
    if (canNest) {
      const row = lineCounter(plain.content, 0)
      yield* decodeNested(plain.content, next, offset => inPlain(row(offset)), options)
    }
    // A file's own text is as long as the file; what is undone in what was undone can grow in number.
    if (nesting.depth > 0) options.budget.addBytes(plain.content.length, options.path)
    yield* decodeInPlace(plain.content, next, inPlain, options)
  }
}

/** What is in base64 or hex or the like in `text`, and in that, and so on. */
async function* decodeNested(
  text: Buffer,
  nesting: Nesting,
  line: (offset: number) => number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const { budget } = options
  await yieldIfDue(options)
  for (const decoded of budget
    .timed(() => decodeBlocks(text, createWorth(budget)))
    .sort((a, b) => a.offset - b.offset)) {
    await yieldIfDue(options)
    budget.addBytes(decoded.content.length, options.path)
    yield* expandDecoded(decoded, nesting, line(decoded.offset), options)
  }
}
