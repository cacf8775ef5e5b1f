/** A run of bytes of one class, from `from` up to, but without, `to`. */
export interface Run {
  readonly from: number
  readonly to: number
}

/** Returns a table of 256 entries: 1 for each byte whose character matches the pattern. */
export function byteClass(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(pattern.test(String.fromCharCode(byte))))
}

/** Returns whether a byte of the content is of a class. */
export function hasByte(content: Buffer, bytes: Uint8Array): boolean {
  for (let offset = 0; offset < content.length; offset++)
    if (bytes[content[offset] as number] === 1) return true
  return false
}

/**
 * Yields the runs of at least `min` bytes of a class. Each run has a byte at a multiple of `min`, so only those bytes
 * and their neighbours are read. A regular expression would overflow V8's stack: it keeps every step of a greedy match,
 * and fails on a match of some megabytes.
 */
export function* runsOf(
  content: Buffer,
  bytes: Uint8Array,
  min: number,
  { from, to }: Run = { from: 0, to: content.length },
): Generator<Run> {
  for (let run = nextRun(content, bytes, min, { from, to }); run; ) {
    yield run
    run = nextRun(content, bytes, min, { from: run.to, to })
  }
}

/** Returns the first run of a part. A loop of its own, since V8 optimizes none that yields. */
function nextRun(content: Buffer, bytes: Uint8Array, min: number, part: Run): Run | undefined {
  for (let offset = part.from + min - 1; offset < part.to; offset += min) {
    if (bytes[content[offset] as number] !== 1) continue
    let from = offset
    while (from > part.from && bytes[content[from - 1] as number] === 1) from--
    let to = offset + 1
    while (to < part.to && bytes[content[to] as number] === 1) to++
    if (to - from >= min) return { from, to }
    offset = to
  }
  return undefined
}

const NEWLINE = 10
/** Characters around a line of an encoded block in comments, quotes, lists and mail. */
export const LINE_DECORATION = byteClass(/[ \t\r#>*|"'`,;\\]/)
const isDecoration = (byte: number | undefined) => byte !== undefined && LINE_DECORATION[byte] === 1

/** A run that ends a line, and the line's start. */
interface LineEndRun extends Run {
  readonly line: number
}

/** Returns the runs that end a line but for its decoration. */
export function lineEndRuns(content: Buffer, runs: readonly Run[]): LineEndRun[] {
  const found: LineEndRun[] = []
  for (const { from, to } of runs) {
    let end = to
    while (isDecoration(content[end])) end++
    if (end < content.length && content[end] !== NEWLINE) continue
    const line = from === 0 ? 0 : content.lastIndexOf(NEWLINE, from - 1) + 1
    found.push({ from, to, line })
  }
  return found
}

/**
 * Yields encoded blocks that are wrapped over several lines, as base64 is: whole lines of `min` to `max` bytes of a
 * class, then one line of any length with up to two `=`. The first line may have text before its run, and the last line
 * text after it. `firsts` has the lines that end like a block's first. Each block comes with its offset and its lines
 * joined.
 */
export function* wrappedBlocks(
  content: Buffer,
  bytes: Uint8Array,
  firsts: readonly LineEndRun[],
  min: number,
  max = Number.POSITIVE_INFINITY,
): Generator<{ offset: number; text: string }> {
  const hasBlockLength = ({ from, to }: Run) => to - from >= min && to - from <= max
  let next = 0
  for (const first of firsts) {
    // A block's last line can be the first of another block.
    if (first.line < next || !hasBlockLength(first)) continue
    const parts = [content.toString('latin1', first.from, first.to)]
    for (next = endOfLine(content, first.to) + 1; next <= content.length; ) {
      const end = endOfLine(content, next)
      const line = firstRunOf(content, next, end, bytes)
      if (line) parts.push(content.toString('latin1', line.from, line.to))
      if (!line?.isWhole || !hasBlockLength(line)) break
      next = end + 1
    }
    yield* joinedVariants(parts, first.line)
  }
}

function endOfLine(content: Buffer, from: number): number {
  let end = from
  while (end < content.length && content[end] !== NEWLINE) end++
  return end
}

/** Yields the block as it is, and without a diff's sign before each line: "+" is a character of base64 too. */
function* joinedVariants(
  parts: readonly string[],
  offset: number,
): Generator<{ offset: number; text: string }> {
  if (parts.length < 2) return
  yield { offset, text: parts.join('') }
  const sign = parts[1]?.charAt(0) ?? ''
  if ((sign !== '+' && sign !== '-') || !parts.every((part, i) => i === 0 || part.startsWith(sign))) return
  yield { offset, text: parts.map(part => (part.startsWith(sign) ? part.slice(1) : part)).join('') }
}

/** Comment marks that are characters of base64 too. Whitespace after them tells them apart. */
const COMMENT_BYTE = byteClass(/[/-]/)

/** Returns the offset after the decoration of a line: whitespace, quotes and comment marks. */
function afterDecoration(content: Buffer, start: number, end: number): number {
  let from = start
  while (from < end && isDecoration(content[from])) from++
  let afterComment = from
  while (afterComment < end && COMMENT_BYTE[content[afterComment] ?? 0] === 1) afterComment++
  if (afterComment === from || !isDecoration(content[afterComment])) return from
  while (afterComment < end && isDecoration(content[afterComment])) afterComment++
  return afterComment
}

/** Returns the first run of a line, and whether the line holds nothing else. */
function firstRunOf(
  content: Buffer,
  start: number,
  end: number,
  bytes: Uint8Array,
): (Run & { isWhole: boolean }) | undefined {
  const from = afterDecoration(content, start, end)
  let to = from
  while (to < end && bytes[content[to] ?? 0] === 1) to++
  let after = to
  while (after < end && isDecoration(content[after])) after++
  return to > from ? { from, to, isWhole: after === end } : undefined
}
