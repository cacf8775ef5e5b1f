/** A stretch of bytes that are all of one kind: from, and up to. */
export interface Run {
  readonly from: number
  readonly to: number
}

/** Which bytes are of a kind, by a pattern for one letter. */
export function byteClass(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(pattern.test(String.fromCharCode(byte))))
}

/**
 * The runs of at least `min` bytes of a kind. Each holds one of every `min` bytes, so only those are looked at, and
 * what lies around one that is of the kind. A pattern would do, but for its stack: V8 keeps every step of a greedy
 * match, and gives up on one of some megabytes.
 */
export function* runsOf(content: Buffer, bytes: Uint8Array, min: number): Generator<Run> {
  const isMember = (offset: number) => bytes[content[offset] ?? 0] === 1
  let lastEnd = 0
  for (let offset = min - 1; offset < content.length; offset += min) {
    if (!isMember(offset)) continue
    let from = offset
    while (from > lastEnd && isMember(from - 1)) from--
    let to = offset + 1
    while (to < content.length && isMember(to)) to++
    if (to - from >= min) yield { from, to }
    lastEnd = to
    offset = to
  }
}

const NEWLINE = 10
/** What stands around a line of a block, in comments, quotes, lists and mail. */
const LINE_DECORATION = byteClass(/[ \t\r#>*|"'`,;\\]/)
const isDecoration = (byte: number | undefined) => byte !== undefined && LINE_DECORATION[byte] === 1

/**
 * Blocks of lines that are each one run of a kind, as base64 is wrapped: whole lines of at least `min` letters, then
 * one of any length, which may end in up to two `=`; of at most `most` letters. Before the first run of its line, and behind the last, there may
 * be anything. Each is answered with its start and its letters, joined.
 */
export function* wrappedBlocks(
  content: Buffer,
  bytes: Uint8Array,
  min: number,
  max = Number.POSITIVE_INFINITY,
): Generator<{ offset: number; text: string }> {
  let parts: string[] = []
  let offset = 0
  const hasBlockLength = ({ from, to }: Run) => to - from >= min && to - from <= max
  for (let start = 0; start <= content.length; ) {
    const newline = content.indexOf(NEWLINE, start)
    const end = newline < 0 ? content.length : newline
    const line = firstRunOf(content, start, end, bytes)
    if (parts.length > 0 && line?.isWhole && hasBlockLength(line)) {
      parts.push(content.toString('latin1', line.from, line.to))
    } else {
      if (parts.length > 0 && line) parts.push(content.toString('latin1', line.from, line.to))
      yield* joinedVariants(parts, offset)
      const last = lastRunOf(content, start, end, bytes)
      parts = []
      if (hasBlockLength(last)) {
        offset = start
        parts.push(content.toString('latin1', last.from, last.to))
      }
    }
    start = end + 1
  }
  yield* joinedVariants(parts, offset)
}

/** As they are, and without the sign of a diff before each, which is a letter of base64 too. */
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

/** Marks of comments that are letters of base64 too: a blank behind them says that they are none. */
const COMMENT_BYTE = byteClass(/[/-]/)

/** Behind what stands before a line of a block. */
function afterDecoration(content: Buffer, start: number, end: number): number {
  let from = start
  while (from < end && isDecoration(content[from])) from++
  let afterComment = from
  while (afterComment < end && COMMENT_BYTE[content[afterComment] ?? 0] === 1) afterComment++
  if (afterComment === from || !isDecoration(content[afterComment])) return from
  while (afterComment < end && isDecoration(content[afterComment])) afterComment++
  return afterComment
}

/** The first letters of a line, and whether it has nothing else. */
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

/** The last letters of a line. */
function lastRunOf(content: Buffer, start: number, end: number, bytes: Uint8Array): Run {
  let to = end
  while (to > start && isDecoration(content[to - 1])) to--
  let from = to
  while (from > start && bytes[content[from - 1] ?? 0] === 1) from--
  return { from, to }
}
