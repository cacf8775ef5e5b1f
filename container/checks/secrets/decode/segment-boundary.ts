import { kindOf } from '../bytes/byte-runs.ts'

const NEWLINE = 10
const AROUND = kindOf(/[ \t\r#>*|"'`,;\\]/)
const SIGN = kindOf(/[\x21-\x7e]/)
/** A shorter run is a word, and not a line of a block. */
const LEAST = 16
/** What else bytes are written down in: lists of numbers, and dumps behind their offsets. Such lines are short. */
const NUMBERS = /^(?:[0-9a-fA-FxX\\,:;\s"'-]+$|[ \t]*[0-9a-fA-F]{4,16}:?[ \t])/
const LONGEST_NUMBERS = 512

/**
 * Where the encoded run, or block of lines, begins that is still open at the end of `content`: what is packed in it has
 * to be read in one piece. Its end, where there is none.
 */
export function openBlock(content: Buffer): number {
  let begin = content.length
  for (let end = content.length; end >= 0; ) {
    const start = end === 0 ? 0 : content.lastIndexOf(NEWLINE, end - 1) + 1
    const isCut = end === content.length
    if (!isOfBlock(content, start, end, isCut)) {
      const run = lastRun(content, start, end)
      return isCut || end - run >= LEAST ? run : begin
    }
    begin = start
    end = start - 1
  }
  return begin
}

/** Is a line one run without a blank, or of numbers? The one that is cut off may be of any length. */
function isOfBlock(content: Buffer, start: number, end: number, isCut: boolean): boolean {
  let [from, to] = [start, end]
  while (from < to && AROUND[content[from] ?? 0] === 1) from++
  while (to > from && AROUND[content[to - 1] ?? 0] === 1) to--
  const begin = lastRun(content, from, to)
  // A comment's mark has a blank behind it.
  if ((to - begin >= LEAST && begin - from <= 4) || (isCut && begin === from)) return true
  return end - start <= LONGEST_NUMBERS && NUMBERS.test(content.toString('latin1', start, end))
}

function lastRun(content: Buffer, start: number, end: number): number {
  let from = end
  while (from > start && SIGN[content[from - 1] ?? 0] === 1) from--
  return from
}
