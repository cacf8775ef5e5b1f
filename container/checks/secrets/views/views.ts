import { SEGMENT_BYTES, type Source } from '../bytes/byte-source.ts'
import { isText } from '../bytes/is-text.ts'
import { surveyOf } from '../bytes/survey.ts'
import { VisitedTexts } from '../bytes/visited-texts.ts'
import { lengthPrefixedStrings, printableRuns } from '../decode/binary-strings.ts'
import { lineCounter } from '../decode/line-map.ts'
import { findOpenBlock } from '../decode/segment-boundary.ts'
import { decodeSegment } from './decoded-views.ts'
import { type ExpandOptions, type ViewOptions, yieldIfDue } from './expand-options.ts'
import { type ExpandedOffsets, expandMembers, expandStreams, type Segment } from './unpacked-views.ts'
import { lineMap, type Nesting, stringsView, type View, viewFields } from './view.ts'

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
    { ...options, expand, visited: new VisitedTexts(options.path) },
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
    const survey = options.budget.timed(() => surveyOf(content))
    const segment: Segment = { source, start, content, survey, lineAt, isPng }
    yield* readText(segment, line, nesting, options)
    yield* decodeSegment({ text: content, survey }, nesting, lineAt, options)
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
  { content, survey, lineAt }: Segment,
  line: number,
  nesting: Nesting,
  { budget }: ExpandOptions,
): Generator<View> {
  yield isText(content, survey)
    ? { ...viewFields(nesting), content, lines: lineMap(nesting, line) }
    : stringsView(
        budget.timed(() => printableRuns(content, lineAt)),
        nesting,
      )
  const prefixed = budget.timed(() => lengthPrefixedStrings(content, lineAt, survey))
  if (prefixed) yield stringsView(prefixed, nesting)
}

/** Returns where the next segment begins: before a block that is open at this segment's end, unless the block fills it. */
function nextStart(segment: Buffer): number {
  const usual = segment.length - OVERLAP
  const block = findOpenBlock(segment)
  return block < OVERLAP ? usual : Math.min(block, usual)
}
