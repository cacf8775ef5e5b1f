import { byteClass, LINE_DECORATION } from '../bytes/byte-runs.ts'

const NEWLINE = 10
const VISIBLE = byteClass(/[\x21-\x7e]/)
/** The shortest run that counts as a line of a block; a shorter run is a word. */
const MIN_RUN = 16
/** Lines of the other notations for bytes: lists of numbers, and dumps after their offsets. Such lines are short. */
const NUMBER_LINE = /^(?:[0-9a-fA-FxX\\,:;\s"'-]+$|[ \t]*[0-9a-fA-F]{4,16}:?[ \t])/
const NUMBER_BYTE = byteClass(/[0-9a-fA-FxX\\,:;\s"'-]/)
const MAX_NUMBER_LINE = 512

/**
 * Returns where the encoded run or block begins that is open at the end of `content`, so that the next segment can hold
 * it whole. Returns the content's length when there is none.
 */
export function findOpenBlock(content: Buffer): number {
  let begin = content.length
  for (let end = content.length; end >= 0; ) {
    const start = end === 0 ? 0 : content.lastIndexOf(NEWLINE, end - 1) + 1
    const isCut = end === content.length
    if (!isBlockLine(content, start, end, isCut)) {
      const run = lastRunStart(content, start, end)
      return isCut || end - run >= MIN_RUN ? run : begin
    }
    begin = start
    end = start - 1
  }
  return begin
}

/**
 * Returns whether a line is one run without whitespace, or numbers. The line that the segment's end cuts may have any
 * length.
 */
export function isBlockLine(content: Buffer, start: number, end: number, isCut: boolean): boolean {
  let [from, to] = [start, end]
  while (from < to && LINE_DECORATION[content[from] ?? 0] === 1) from++
  while (to > from && LINE_DECORATION[content[to - 1] ?? 0] === 1) to--
  const begin = lastRunStart(content, from, to)
  // A comment mark has whitespace after it.
  if ((to - begin >= MIN_RUN && begin - from <= 4) || (isCut && begin === from)) return true
  return (
    end - start <= MAX_NUMBER_LINE &&
    NUMBER_BYTE[content[start] ?? 0] === 1 &&
    NUMBER_LINE.test(content.toString('latin1', start, end))
  )
}

function lastRunStart(content: Buffer, start: number, end: number): number {
  let from = end
  while (from > start && VISIBLE[content[from - 1] ?? 0] === 1) from--
  return from
}
