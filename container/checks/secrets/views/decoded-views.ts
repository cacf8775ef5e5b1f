import { LimitExceeded } from '../../limits.ts'
import { memorySource } from '../bytes/byte-source.ts'
import { isText, MIN_DECODED_BYTES } from '../bytes/is-text.ts'
import { mayHave, type Survey, surveyOf } from '../bytes/survey.ts'
import { stripAnsi } from '../decode/ansi-codes.ts'
import { printableRuns } from '../decode/binary-strings.ts'
import type { DecodedBlock } from '../decode/decoded-block.ts'
import { joinRuns, MARKUP_MARKS } from '../decode/documents/marked-up-text.ts'
import { nameCells } from '../decode/documents/tables.ts'
import { RECORDING_MARKS, replayTerminal } from '../decode/documents/terminal-recordings.ts'
import { decodeBlocks } from '../decode/encoded-blocks.ts'
import { type DecodedLines, decodeEscapes, decodeQuotedPrintable, ESCAPE_MARKS } from '../decode/escapes.ts'
import { decodeInline, MIN_INLINE_RUN } from '../decode/inline-base64.ts'
import { lineCounter } from '../decode/line-map.ts'
import { joinSplitTokens, SPLIT_MARKS } from '../decode/split-tokens.ts'
import { type WideText, wideText } from '../decode/utf16-utf32.ts'
import { type ExpandOptions, type ViewOptions, yieldIfDue } from './expand-options.ts'
import { lineMap, type Nesting, stringsView, type View, viewFields } from './view.ts'
import { worthOf } from './worth-decoding.ts'

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

/** A text, and the facts that tell which decoders can find something in it. */
interface Surveyed {
  readonly text: Buffer
  readonly survey: Survey
}

const NOT_WIDE: WideText = { runs: [] }

/** Yields the views of everything encoded, but not compressed, in a segment. */
export async function* decodeSegment(
  { text: segment, survey }: Surveyed,
  nesting: Nesting,
  lineAt: (offset: number) => number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const line = (offset: number) => nesting.line ?? lineAt(offset)
  const wide = mayHave(survey, ['\0']) ? options.budget.timed(() => wideText(segment)) : NOT_WIDE
  if (wide.whole) {
    // The decoded text has the segment's lines, so it takes the segment's place.
    const next = {
      ...nest('UTF-16', nesting, options),
      ...(nesting.line === undefined ? {} : { line: nesting.line }),
    }
    yield { ...viewFields(next), content: wide.whole, lines: lineMap(next, lineAt(0)) }
    const surveyed = { text: wide.whole, survey: surveyOf(wide.whole) }
    yield* decodeSegment(surveyed, next, lineCounter(wide.whole, lineAt(0)), options)
  }
  for (const run of wide.runs) yield* expandDecoded(run, nesting, line(run.offset), options)
  // A UTF-16 file is decoded as bytes too, since a program may have appended ASCII to it.
  const first = lineAt(0)
  yield* decodeInPlace({ text: segment, survey }, nesting, row => nesting.line ?? first + row, options)
  yield* decodeNested({ text: segment, survey }, nesting, line, options)
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
    yield* options.expand(memorySource(content), next, options)
}

/** An encoding that is replaced by its decoded text inside the line. */
interface InPlaceDecoder {
  readonly encoding: string
  /** Only a text that has all bytes of one of these, in latin1, has the encoding; undefined: any text may have it. */
  readonly marks?: readonly string[]
  /** The shortest run of base64 that the encoding has. */
  readonly minRun?: number
  readonly decode: (text: Buffer) => DecodedLines | undefined
  /** True if encoded blocks are decoded inside the result; blocks in inline base64 are found by decodeBlocks alone. */
  readonly canNest: boolean
}

const IN_PLACE_DECODERS: readonly InPlaceDecoder[] = [
  { encoding: 'escapes', marks: ESCAPE_MARKS, decode: decodeEscapes, canNest: true },
  { encoding: 'colours', marks: ['\x1b'], decode: stripAnsi, canNest: true },
  { encoding: 'quoted-printable', marks: ['='], decode: decodeQuotedPrintable, canNest: true },
  { encoding: 'split tokens', marks: SPLIT_MARKS, decode: joinSplitTokens, canNest: false },
  { encoding: 'markup', marks: MARKUP_MARKS, decode: joinRuns, canNest: false },
  { encoding: 'table', decode: nameCells, canNest: false },
  { encoding: 'recording', marks: RECORDING_MARKS, decode: replayTerminal, canNest: false },
  { encoding: 'base64', minRun: MIN_INLINE_RUN, decode: decodeInline, canNest: false },
]

const mayDecode = (survey: Survey, { marks, minRun = 0 }: InPlaceDecoder): boolean =>
  survey.longestBase64 >= minRun && (marks === undefined || mayHave(survey, marks))

/** Yields `text` with each in-place encoding decoded, and the same of every result, recursively. */
async function* decodeInPlace(
  { text, survey }: Surveyed,
  nesting: Nesting,
  lineOf: (row: number) => number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  for (const decoder of IN_PLACE_DECODERS) {
    if (!mayDecode(survey, decoder)) continue
    await yieldIfDue(options)
    const { encoding, decode, canNest } = decoder
    const decoded = options.budget.timed(() => decode(text))
    if (!decoded) continue
    const next = nest(encoding, nesting, options)
    const lines = decoded.lines.map(lineOf)
    const { archivePath, name = '' } = next
    const place = [canNest ? 'in place' : 'all in place', name, ...archivePath]
    if (!options.budget.timed(() => options.visited.isNew(decoded.content, lines, ...place))) continue
    const decodedLineOf = (row: number) => lines[row] ?? 0
    const result = { text: decoded.content, survey: options.budget.timed(() => surveyOf(decoded.content)) }
    yield isBinary(result)
      ? options.budget.timed(() => stringsOf(result.text, next, decodedLineOf))
      : { ...viewFields(next), content: decoded.content, lines: { kind: 'list', lines } }
    if (canNest) {
      const rowAt = lineCounter(decoded.content, 0)
      yield* decodeNested(result, next, offset => decodedLineOf(rowAt(offset)), options)
    }
    // A file's own text is as long as the file. The results of results can grow in number.
    if (nesting.depth > 0) options.budget.addBytes(decoded.content.length, options.path)
    yield* decodeInPlace(result, next, decodedLineOf, options)
  }
}

const isBinary = ({ text, survey }: Surveyed) => text.length >= MIN_DECODED_BYTES && !isText(text, survey)

/** Returns the strings of a binary: a rule for passwords matches other bytes, too, by chance. */
function stringsOf(binary: Buffer, nesting: Nesting, lineOf: (row: number) => number): View {
  const rowAt = lineCounter(binary, 0)
  return stringsView(
    printableRuns(binary, offset => lineOf(rowAt(offset))),
    nesting,
  )
}

/** Expands the encoded blocks of `text`: base64, hex and the like. */
async function* decodeNested(
  { text, survey }: Surveyed,
  nesting: Nesting,
  line: (offset: number) => number,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const { budget } = options
  await yieldIfDue(options)
  const blocks = budget.timed(() => decodeBlocks(text, worthOf(budget), survey))
  for (const block of blocks.sort((a, b) => a.offset - b.offset)) {
    await yieldIfDue(options)
    budget.addBytes(block.content.length, options.path)
    yield* expandDecoded(block, nesting, line(block.offset), options)
  }
}
