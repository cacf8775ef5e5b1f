import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { LimitExceeded } from '../../limits.ts'
import type { Budget } from '../bytes/budget.ts'
import { memorySource, SEGMENT_BYTES, type Source, spool } from '../bytes/byte-source.ts'
import { containsText, dropZeroBytes, isText } from '../bytes/is-text.ts'
import { VisitedTexts } from '../bytes/visited-texts.ts'
import { storedMembers } from '../unpack/archive-members.ts'
import type { CompressedStream } from '../unpack/compressed-stream.ts'
import { containsStream, findStreams, startsLikeStream } from '../unpack/find-streams.ts'
import { unpack } from '../unpack/unpack.ts'
import { stripAnsi } from './ansi-codes.ts'
import { lengthPrefixedStrings, printableRuns, type StringList } from './binary-strings.ts'
import type { DecodedBlock, WorthDecoding } from './decoded-block.ts'
import { decodeBlocks } from './encoded-blocks.ts'
import { type DecodedLines, decodeEscapes, decodeQuotedPrintable } from './escapes.ts'
import { decodeInline } from './inline-base64.ts'
import { type LineMap, lineCounter } from './line-map.ts'
import { hasNameRule } from './scan-names.ts'
import { findOpenBlock } from './segment-boundary.ts'
import { joinSplitTokens } from './split-tokens.ts'
import { wideText } from './utf16-utf32.ts'

/** One reading of a file: its bytes as they are, or decoded. */
export interface View {
  readonly content: Buffer
  readonly lines: LineMap
  /** The encodings that were decoded, outermost first; empty for the file's own bytes. */
  readonly encodings: readonly string[]
  /** The path inside archives, outermost first. */
  readonly archivePath: readonly string[]
  /** The name that rules apply to, where it differs from the file's path and from the last archive path. */
  readonly name?: string
}

export interface ViewOptions {
  readonly path: string
  /** A folder for temporary files. */
  readonly folder: string
  readonly budget: Budget
  readonly signal: AbortSignal
  /** The line of the file that the source begins in, by default 1. */
  readonly firstLine?: number
  /** Leaves archives and compressed streams closed. */
  readonly skipsArchives?: boolean
}

interface ExpandOptions extends ViewOptions {
  readonly visited: VisitedTexts
}

/** Where an expanded source lies in the file. */
interface Nesting {
  readonly depth: number
  readonly encodings: readonly string[]
  readonly archivePath: readonly string[]
  readonly name?: string
  /** The line of the file that the source begins in; undefined: line 1. */
  readonly first?: number
  /** Set when every line of the source stands for this line of the file. */
  readonly line?: number
}

/** The part of a source that is read into memory at once. */
interface Segment {
  readonly source: Source
  /** The segment's offset in the source, in bytes. */
  readonly start: number
  readonly content: Buffer
  readonly lineAt: (offset: number) => number
  /** Whether the source is a PNG picture. */
  readonly isPng: boolean
}

/** Offsets in a source that were expanded; overlapping segments show the same offset twice. */
interface ExpandedOffsets {
  readonly streams: Set<number>
  readonly members: Set<number>
}

/** Two segments share this many bytes, so that a secret across their border is whole in one of them. */
const OVERLAP = 64 << 10

const PNG = Buffer.from('\x89PNG', 'latin1')

/**
 * Yields every view of `source`: its own bytes, then everything encoded, compressed or archived in it, recursively.
 * Throws LimitExceeded beyond the budget.
 */
export async function* viewsOf(source: Source, options: ViewOptions): AsyncGenerator<View> {
  yield* expand(
    source,
    { depth: 0, encodings: [], archivePath: [], first: options.firstLine ?? 1 },
    { ...options, visited: new VisitedTexts(options.path) },
  )
}

async function* expand(source: Source, nesting: Nesting, options: ExpandOptions): AsyncGenerator<View> {
  // Decoded bytes are no more than the bytes they were decoded from, which have been counted.
  if (nesting.line === undefined) options.visited.addBytes(source.size)
  const expanded: ExpandedOffsets = { streams: new Set(), members: new Set() }
  let line = nesting.first ?? 1
  let isPng = false
  for (let start = 0; start < source.size; ) {
    await yieldIfDue(options)
    const content = await source.read(start, Math.min(SEGMENT_BYTES, source.size - start))
    const lineAt = lineCounter(content, line)
    if (start === 0) isPng = content.subarray(0, PNG.length).equals(PNG)
    const segment: Segment = { source, start, content, lineAt, isPng }
    yield* readText(segment, line, nesting, options)
    yield* decodeSegment(content, nesting, lineAt, options)
    if (!options.skipsArchives) {
      yield* expandStreams(segment, expanded, nesting, options)
      yield* expandMembers(segment, expanded, nesting, options)
    }
    if (start + content.length >= source.size) break
    const next = nextStart(content)
    line = lineAt(next)
    start += next
  }
}

/** Yields a segment's text: all of it, or of a binary its strings; and strings after their length. */
function* readText(
  { content, lineAt }: Segment,
  line: number,
  nesting: Nesting,
  { budget }: ExpandOptions,
): Generator<View> {
  yield isText(content)
    ? { ...viewFields(nesting), content, lines: lineMap(nesting, line) }
    : stringsView(
        budget.timed(() => printableRuns(content, lineAt)),
        nesting,
      )
  const prefixed = budget.timed(() => lengthPrefixedStrings(content, lineAt))
  if (prefixed) yield stringsView(prefixed, nesting)
}

/** Unpacks and expands the compressed streams that begin in a segment. */
async function* expandStreams(
  { source, start, content, isPng }: Segment,
  { streams }: ExpandedOffsets,
  nesting: Nesting,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const { signal, budget, path, folder } = options
  for (const stream of budget.timed(() => findStreams(content, { budget, isStart: start === 0, isPng }))) {
    const offset = start + stream.offset
    if (streams.has(offset)) continue
    streams.add(offset)
    budget.countStream(nesting.depth + 1, path)
    const unpacked = await spool(unpack(source, { ...stream, offset }, budget, path, signal), folder)
    try {
      if (unpacked.size > 0) yield* expand(unpacked, nestStream(stream, nesting), options)
    } finally {
      await unpacked.dispose()
    }
  }
}

function nestStream({ kind, name, originalName }: CompressedStream, nesting: Nesting): Nesting {
  const depth = nesting.depth + 1
  const encodings = [...nesting.encodings, name ? 'zip' : kind]
  if (name) return { depth, encodings, archivePath: [...nesting.archivePath, name] }
  const ruleName = originalName && hasNameRule(originalName) ? originalName : nesting.name
  return { depth, encodings, archivePath: nesting.archivePath, ...(ruleName ? { name: ruleName } : {}) }
}

/**
 * Expands the uncompressed archive members that begin in a segment, where a rule asks for their name: their text is in
 * the segment's own view, without the name.
 */
async function* expandMembers(
  { source, start, content, lineAt }: Segment,
  { members }: ExpandedOffsets,
  nesting: Nesting,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const { budget, path } = options
  for (const { name, offset, size } of storedMembers(content)) {
    const sourceOffset = start + offset
    if (!hasNameRule(name) || sourceOffset >= source.size || members.has(sourceOffset)) continue
    members.add(sourceOffset)
    const member = slice(source, sourceOffset, size)
    budget.countStream(nesting.depth + 1, path)
    budget.addBytes(member.size, path)
    yield* expand(member, { ...nesting, depth: nesting.depth + 1, name, first: lineAt(offset) }, options)
  }
}

/** Returns where the next segment begins: before a block that is open at this segment's end, unless the block fills it. */
function nextStart(segment: Buffer): number {
  const usual = segment.length - OVERLAP
  const block = findOpenBlock(segment)
  return block < OVERLAP ? usual : Math.min(block, usual)
}

/** Yields the thread when its share of time is used, and stops when the scan is cancelled. */
async function yieldIfDue({ budget, signal }: ViewOptions): Promise<void> {
  if (budget.shouldYield()) await yieldToEventLoop()
  signal.throwIfAborted()
}

/** Returns up to `size` bytes of `source` from `offset` on. */
function slice(source: Source, offset: number, size: number): Source {
  const available = Math.min(size, source.size - offset)
  return {
    size: available,
    read: (start, length) => source.read(offset + start, Math.min(length, available - start)),
    dispose: async () => {},
  }
}

const lineMap = (nesting: Nesting, first: number): LineMap =>
  nesting.line === undefined ? { kind: 'from', first } : { kind: 'at', line: nesting.line }

const viewFields = ({
  encodings,
  archivePath,
  name,
}: Nesting): Pick<View, 'encodings' | 'archivePath' | 'name'> => ({
  encodings,
  archivePath,
  ...(name ? { name } : {}),
})

function stringsView({ content, lines }: StringList, nesting: Nesting): View {
  const map = nesting.line === undefined ? ({ kind: 'list', lines } as const) : lineMap(nesting, 0)
  return { ...viewFields(nesting), content, lines: map }
}

/** No shorter compressed stream holds a secret, in bytes. */
const MIN_COMPRESSED = 40

/** The texts of a push that are decoded. */
const worthOfPush = new WeakMap<Budget, WorthDecoding>()

function worthOf(budget: Budget): WorthDecoding {
  const known = worthOfPush.get(budget)
  if (known) return known
  const worth = createWorth(budget)
  worthOfPush.set(budget, worth)
  return worth
}

const createWorth = (budget: Budget): WorthDecoding => ({
  worthless: new Set(),
  prefix(prefix) {
    if (startsLikeStream(prefix) || isText(prefix)) return true
    const withoutZeros = dropZeroBytes(prefix)
    return withoutZeros !== prefix && isText(withoutZeros)
  },
  content: content =>
    containsText(content) || (content.length >= MIN_COMPRESSED && containsStream(content, budget)),
})

/** The most encodings inside each other that are decoded; more are refused. */
const MAX_ENCODINGS = 24

function nest(encoding: string, nesting: Nesting, { path }: ViewOptions): Nesting {
  if (nesting.depth >= MAX_ENCODINGS)
    throw new LimitExceeded(
      `${path} is encoded in more than ${MAX_ENCODINGS} layers`,
      'push the file without the encodings',
    )
  const { line: _, ...rest } = nesting
  return { ...rest, depth: nesting.depth + 1, encodings: [...nesting.encodings, encoding] }
}

/** Yields the views of everything encoded, but not compressed, in a segment. */
async function* decodeSegment(
  segment: Buffer,
  nesting: Nesting,
  lineAt: (offset: number) => number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const line = (offset: number) => nesting.line ?? lineAt(offset)
  const wide = options.budget.timed(() => wideText(segment))
  if (wide.whole) {
    // The decoded text has the segment's lines, so it takes the segment's place.
    const next = {
      ...nest('UTF-16', nesting, options),
      ...(nesting.line === undefined ? {} : { line: nesting.line }),
    }
    yield { ...viewFields(next), content: wide.whole, lines: lineMap(next, lineAt(0)) }
    yield* decodeSegment(wide.whole, next, lineCounter(wide.whole, lineAt(0)), options)
  }
  for (const run of wide.runs) yield* expandDecoded(run, nesting, line(run.offset), options)
  // A UTF-16 file is decoded as bytes too, since a program may have appended ASCII to it.
  const first = lineAt(0)
  yield* decodeInPlace(segment, nesting, row => nesting.line ?? first + row, options)
  yield* decodeNested(segment, nesting, line, options)
}

/** Expands a decoded block, unless the same bytes were expanded at the same place before. */
async function* expandDecoded(
  { encoding, content }: DecodedBlock,
  nesting: Nesting,
  line: number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const next = { ...nest(encoding, nesting, options), line }
  const { archivePath, name = '' } = next
  if (options.budget.timed(() => options.visited.isNew(content, [line], 'apart', name, ...archivePath)))
    yield* expand(memorySource(content), next, options)
}

/** An encoding that is replaced by its decoded text inside the line. */
interface InPlaceDecoder {
  readonly encoding: string
  readonly decode: (text: Buffer) => DecodedLines | undefined
  /** Whether encoded blocks are decoded inside the result; those in inline base64 are found by decodeBlocks alone. */
  readonly canNest: boolean
}

const IN_PLACE_DECODERS: readonly InPlaceDecoder[] = [
  { encoding: 'escapes', decode: decodeEscapes, canNest: true },
  { encoding: 'colours', decode: stripAnsi, canNest: true },
  { encoding: 'quoted-printable', decode: decodeQuotedPrintable, canNest: true },
  { encoding: 'split tokens', decode: joinSplitTokens, canNest: false },
  { encoding: 'base64', decode: decodeInline, canNest: false },
]

/** Yields `text` with each in-place encoding decoded, and the same of every result, recursively. */
async function* decodeInPlace(
  text: Buffer,
  nesting: Nesting,
  lineOf: (row: number) => number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  for (const { encoding, decode, canNest } of IN_PLACE_DECODERS) {
    await yieldIfDue(options)
    const decoded = options.budget.timed(() => decode(text))
    if (!decoded) continue
    const next = nest(encoding, nesting, options)
    const lines = decoded.lines.map(lineOf)
    const { archivePath, name = '' } = next
    const place = [canNest ? 'in place' : 'all in place', name, ...archivePath]
    if (!options.budget.timed(() => options.visited.isNew(decoded.content, lines, ...place))) continue
    yield { ...viewFields(next), content: decoded.content, lines: { kind: 'list', lines } }
    const decodedLineOf = (row: number) => lines[row] ?? 0
    if (canNest) {
      const rowAt = lineCounter(decoded.content, 0)
      yield* decodeNested(decoded.content, next, offset => decodedLineOf(rowAt(offset)), options)
    }
    // A file's own text is as long as the file. The results of results can grow in number.
    if (nesting.depth > 0) options.budget.addBytes(decoded.content.length, options.path)
    yield* decodeInPlace(decoded.content, next, decodedLineOf, options)
  }
}

/** Expands the encoded blocks of `text`: base64, hex and the like. */
async function* decodeNested(
  text: Buffer,
  nesting: Nesting,
  line: (offset: number) => number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const { budget } = options
  await yieldIfDue(options)
  const blocks = budget.timed(() => decodeBlocks(text, worthOf(budget)))
  for (const block of blocks.sort((a, b) => a.offset - b.offset)) {
    await yieldIfDue(options)
    budget.addBytes(block.content.length, options.path)
    yield* expandDecoded(block, nesting, line(block.offset), options)
  }
}
