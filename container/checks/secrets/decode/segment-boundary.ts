import { byteClass } from '../bytes/byte-runs.ts'

const NEWLINE = 10
const LINE_DECORATION = byteClass(/[ \t\r#>*|"'`,;\\]/)
const VISIBLE = byteClass(/[\x21-\x7e]/)
/** A shorter run is a word, and not a line of a block. */
const MIN_RUN = 16
/** What else bytes are written down in: lists of numbers, and dumps behind their offsets. Such lines are short. */
const NUMBER_LINE = /^(?:[0-9a-fA-FxX\\,:;\s"'-]+$|[ \t]*[0-9a-fA-F]{4,16}:?[ \t])/
const MAX_NUMBER_LINE = 512

/**
 * Where the encoded run, or block of lines, begins that is still open at the end of `content`: what is packed in it has
 * to be read in one piece. Its end, where there is none.
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

/** Is a line one run without a blank, or of numbers? The one that is cut off may be of any length. */
function isBlockLine(content: Buffer, start: number, end: number, isCut: boolean): boolean {
  let [from, to] = [start, end]
  while (from < to && LINE_DECORATION[content[from] ?? 0] === 1) from++
  while (to > from && LINE_DECORATION[content[to - 1] ?? 0] === 1) to--
  const begin = lastRunStart(content, from, to)
  // A comment's mark has a blank behind it.
  if ((to - begin >= MIN_RUN && begin - from <= 4) || (isCut && begin === from)) return true
  return end - start <= MAX_NUMBER_LINE && NUMBER_LINE.test(content.toString('latin1', start, end))
}

function lastRunStart(content: Buffer, start: number, end: number): number {
  let from = end
  while (from > start && VISIBLE[content[from - 1] ?? 0] === 1) from--
  return from
}
