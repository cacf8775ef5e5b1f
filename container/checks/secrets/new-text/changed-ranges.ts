import type { Change } from '../../../git/objects/delta-change.ts'
import { isBlockLine } from '../decode/segment-boundary.ts'
import { type Lines, linesOf } from './lines.ts'

/** A part of a text in whole lines, in bytes. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** The lines around a change that are scanned with it, at least: `curl` and its header may be ten lines apart. */
const MARGIN_LINES = 10
/** The bytes around a change that are scanned with it, at least. No rule of gitleaks' own or of the gate looks further. */
export const MARGIN_BYTES = 400
/** The same with the rules of an operator, which may look further. */
const OPERATOR_MARGIN_BYTES = 1_000

/** Returns the bytes around a change that are scanned with it under an operator's configuration. */
export const marginBytesFor = (operator: string): number =>
  operator.trim() === '' ? MARGIN_BYTES : OPERATOR_MARGIN_BYTES
/** The lines that are compared to find an old stretch again. A shorter stretch would be margin from end to end. */
const ANCHOR_LINES = 8

const NEWLINE = 10

/**
 * Returns the parts of `text` that a scan of `old` does not cover: the lines that differ, and the text around them. A
 * match that is in none of them lies within lines that `old` has too, with the same lines around it.
 */
export function changedRanges(
  text: Buffer,
  old: Buffer,
  marginBytes = MARGIN_BYTES,
  ends = commonEnds(text, old),
): Range[] {
  const ranges: Range[] = []
  let last: Stretch = { from: 0, to: 0, end: 'start' }
  for (const stretch of [...commonStretches(text, old, ends), textEnd(text)]) {
    // Two stretches that touch were apart in the old text, unless they are at an end of both texts.
    const isSame = last.to === stretch.from && last.end !== undefined && last.end === stretch.end
    if (!isSame) ranges.push(withMargin(text, { from: last.to, to: stretch.from }, marginBytes))
    last = stretch
  }
  return merged(ranges)
}

const textEnd = (text: Buffer): Stretch => ({ from: text.length, to: text.length, end: 'end' })

/** The text around a change that a test of the change gets, in bytes: more than any mark of an encoding has. */
const HULL_MARGIN = 1_024

/** The whole lines that two texts begin and end with, in bytes. */
export interface CommonEnds {
  readonly head: number
  readonly tail: number
}

export function commonEnds(text: Buffer, old: Buffer): CommonEnds {
  const head = commonHead(text, old)
  return { head, tail: commonTail(text, old, head) }
}

/** Returns the whole lines from the first to the last change, and some text around them. */
export function changedHull(text: Buffer, { head, tail }: CommonEnds): Range {
  const from = Math.max(0, head - HULL_MARGIN)
  const to = Math.min(text.length, text.length - tail + HULL_MARGIN)
  const newline = text.indexOf(NEWLINE, to)
  return {
    from: from === 0 ? 0 : text.lastIndexOf(NEWLINE, from) + 1,
    to: newline < 0 ? text.length : newline + 1,
  }
}

/** Returns whether no range begins or ends where a text was cut from a longer one. */
export const areWithin = (
  ranges: readonly Range[],
  { text, before, after }: Pick<Change, 'text' | 'before' | 'after'>,
): boolean => ranges.every(({ from, to }) => (from > 0 || before === 0) && (to < text.length || after === 0))

/** Returns the ranges around the offsets, each with the text around it. */
export const rangesAround = (text: Buffer, parts: readonly Range[], marginBytes: number): Range[] =>
  merged(parts.map(part => withMargin(text, part, marginBytes)))

/** Returns what all lists of ranges share. Each list is in order. */
export function sharedRanges(lists: readonly (readonly Range[])[]): Range[] {
  return lists.reduce<Range[]>((shared, list, i) => (i === 0 ? [...list] : intersect(shared, list)), [])
}

function intersect(left: readonly Range[], right: readonly Range[]): Range[] {
  const shared: Range[] = []
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const [a, b] = [left[i] as Range, right[j] as Range]
    const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)]
    if (from < to) shared.push({ from, to })
    if (a.to < b.to) i++
    else j++
  }
  return shared
}

function merged(ranges: readonly Range[]): Range[] {
  const result: { from: number; to: number }[] = []
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last && from <= last.to) last.to = Math.max(last.to, to)
    else if (from < to) result.push({ from, to })
  }
  return result
}

/** A stretch of whole lines that both texts have, and the end of both texts that it is at. */
interface Stretch extends Range {
  readonly end?: 'start' | 'end'
}

/** Returns stretches of `text` that `old` has too, in order: at both ends, and between them where lines repeat. */
function commonStretches(text: Buffer, old: Buffer, { head, tail }: CommonEnds): Stretch[] {
  const stretches: Stretch[] = head > 0 ? [{ from: 0, to: head, end: 'start' }] : []
  const middle = text.subarray(head, text.length - tail)
  for (const { from, to } of repeated(middle, old.subarray(head, old.length - tail)))
    stretches.push({ from: head + from, to: head + to })
  if (tail > 0) stretches.push({ from: text.length - tail, to: text.length, end: 'end' })
  return stretches
}

/** The bytes that are compared at once: many while they are the same, then fewer up to the first that differs. */
const STEPS = [4_096, 256]

/** Returns the length of the whole lines that both texts begin with. */
function commonHead(text: Buffer, old: Buffer): number {
  const max = Math.min(text.length, old.length)
  let same = 0
  for (const step of STEPS)
    while (same + step <= max && text.compare(old, same, same + step, same, same + step) === 0) same += step
  while (same < max && text[same] === old[same]) same++
  if (same === text.length && same === old.length) return same
  return same === 0 ? 0 : text.lastIndexOf(NEWLINE, same - 1) + 1
}

/** Returns the length of the whole lines that both texts end with, after their common head. */
function commonTail(text: Buffer, old: Buffer, head: number): number {
  const max = Math.min(text.length, old.length) - head
  let same = 0
  for (const step of STEPS)
    for (; same + step <= max; same += step) {
      const [end, oldEnd] = [text.length - same, old.length - same]
      if (text.compare(old, oldEnd - step, oldEnd, end - step, end) !== 0) break
    }
  while (same < max && text[text.length - same - 1] === old[old.length - same - 1]) same++
  if (same === 0) return 0
  const start = text.length - same
  const isLineStart = (content: Buffer) => {
    const offset = content.length - same
    return offset === 0 || content[offset - 1] === NEWLINE
  }
  if (isLineStart(text) && isLineStart(old)) return same
  const newline = text.indexOf(NEWLINE, start)
  return newline < 0 ? 0 : text.length - newline - 1
}

/** Returns the stretches of at least ANCHOR_LINES lines of `text` that `old` has anywhere, each as long as it goes. */
function repeated(text: Buffer, old: Buffer): Range[] {
  const [lines, oldLines] = [linesOf(text), linesOf(old)]
  if (lines.count < ANCHOR_LINES || oldLines.count < ANCHOR_LINES) return []
  const anchors = new Map<number, number>()
  for (let line = 0; line + ANCHOR_LINES <= oldLines.count; line++) {
    const hash = anchorHash(oldLines, line)
    if (!anchors.has(hash)) anchors.set(hash, line)
  }
  const stretches: Range[] = []
  for (let line = 0; line + ANCHOR_LINES <= lines.count; ) {
    const oldLine = anchors.get(anchorHash(lines, line))
    const count =
      oldLine === undefined
        ? 0
        : sameLines({ text, lines, line }, { text: old, lines: oldLines, line: oldLine })
    if (count >= ANCHOR_LINES)
      stretches.push({ from: lines.starts[line] ?? 0, to: lines.starts[line + count] ?? text.length })
    line += count >= ANCHOR_LINES ? count : 1
  }
  return stretches
}

function anchorHash({ hashes }: Lines, line: number): number {
  let hash = 0
  for (let i = line; i < line + ANCHOR_LINES; i++) hash = Math.imul(hash ^ (hashes[i] ?? 0), 0x01000193)
  return hash
}

interface Position {
  readonly text: Buffer
  readonly lines: Lines
  readonly line: number
}

/** Returns how many lines are the same from both positions on, byte by byte. */
function sameLines(left: Position, right: Position): number {
  const max = Math.min(left.lines.count - left.line, right.lines.count - right.line)
  let count = 0
  while (count < max && left.lines.hashes[left.line + count] === right.lines.hashes[right.line + count])
    count++
  const bytes = ({ text, lines: { starts }, line }: Position) =>
    text.subarray(starts[line], starts[line + count])
  // Two lines of one hash that differ are rare: then none of the lines counts.
  return bytes(left).equals(bytes(right)) ? count : 0
}

/** Widens a range by the margin, to whole lines, and past the lines of an encoded block. */
function withMargin(text: Buffer, { from, to }: Range, marginBytes: number): Range {
  return { from: marginBefore(text, from, marginBytes), to: marginAfter(text, to, marginBytes) }
}

/** The lines in a row outside of any block that a range begins and ends with. */
const CLEAR_LINES = 2

function marginBefore(text: Buffer, offset: number, marginBytes: number): number {
  let start = offset === 0 ? 0 : text.lastIndexOf(NEWLINE, offset - 1) + 1
  const origin = start
  for (let lines = 0, clear = 0; start > 0; lines++) {
    if (lines >= MARGIN_LINES && origin - start >= marginBytes && clear >= CLEAR_LINES) break
    const end = start - 1
    start = end === 0 ? 0 : text.lastIndexOf(NEWLINE, end - 1) + 1
    clear = isBlockLine(text, start, end, false) ? 0 : clear + 1
  }
  return start
}

function marginAfter(text: Buffer, offset: number, marginBytes: number): number {
  let end = offset
  for (let lines = 0, clear = 0; end < text.length; lines++) {
    if (lines >= MARGIN_LINES && end - offset >= marginBytes && clear >= CLEAR_LINES) break
    const newline = text.indexOf(NEWLINE, end)
    const lineEnd = newline < 0 ? text.length : newline
    clear = isBlockLine(text, end, lineEnd, false) ? 0 : clear + 1
    end = Math.min(text.length, lineEnd + 1)
  }
  return end
}
