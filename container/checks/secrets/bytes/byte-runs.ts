/** A stretch of bytes that are all of one kind: from, and up to. */
export interface Run {
  readonly from: number
  readonly to: number
}

/** Which bytes are of a kind, by a pattern for one letter. */
export function kindOf(letter: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(letter.test(String.fromCharCode(byte))))
}

/**
 * The runs of at least `min` bytes of a kind. Each holds one of every `min` bytes, so only those are looked at, and
 * what lies around one that is of the kind. A pattern would do, but for its stack: V8 keeps every step of a greedy
 * match, and gives up on one of some megabytes.
 */
export function* runsOf(content: Buffer, kind: Uint8Array, min: number): Generator<Run> {
  const isOfKind = (at: number) => kind[content[at] ?? 0] === 1
  let before = 0
  for (let at = min - 1; at < content.length; at += min) {
    if (!isOfKind(at)) continue
    let from = at
    while (from > before && isOfKind(from - 1)) from--
    let to = at + 1
    while (to < content.length && isOfKind(to)) to++
    if (to - from >= min) yield { from, to }
    before = to
    at = to
  }
}

const NEWLINE = 10
/** What stands around a line of a block, in comments, quotes, lists and mail. */
const AROUND = kindOf(/[ \t\r#>*|"'`,;\\]/)
const isAround = (byte: number | undefined) => byte !== undefined && AROUND[byte] === 1

/**
 * Blocks of lines that are each one run of a kind, as base64 is wrapped: whole lines of at least `min` letters, then
 * one of any length, which may end in up to two `=`; of at most `most` letters. Before the first run of its line, and behind the last, there may
 * be anything. Each is answered with its start and its letters, joined.
 */
export function* wrappedIn(
  content: Buffer,
  kind: Uint8Array,
  min: number,
  most = Number.POSITIVE_INFINITY,
): Generator<{ at: number; joined: string }> {
  let parts: string[] = []
  let at = 0
  const fits = ({ from, to }: Run) => to - from >= min && to - from <= most
  for (let start = 0; start <= content.length; ) {
    const newline = content.indexOf(NEWLINE, start)
    const end = newline < 0 ? content.length : newline
    const line = lettersOf(content, start, end, kind)
    if (parts.length > 0 && line?.isWhole && fits(line)) {
      parts.push(content.toString('latin1', line.from, line.to))
    } else {
      if (parts.length > 0 && line) parts.push(content.toString('latin1', line.from, line.to))
      yield* joinedWays(parts, at)
      const last = lastLettersOf(content, start, end, kind)
      parts = []
      if (fits(last)) {
        at = start
        parts.push(content.toString('latin1', last.from, last.to))
      }
    }
    start = end + 1
  }
  yield* joinedWays(parts, at)
}

/** As they are, and without the sign of a diff before each, which is a letter of base64 too. */
function* joinedWays(parts: readonly string[], at: number): Generator<{ at: number; joined: string }> {
  if (parts.length < 2) return
  yield { at, joined: parts.join('') }
  const sign = parts[1]?.charAt(0) ?? ''
  if ((sign !== '+' && sign !== '-') || !parts.every((part, i) => i === 0 || part.startsWith(sign))) return
  yield { at, joined: parts.map(part => (part.startsWith(sign) ? part.slice(1) : part)).join('') }
}

/** Marks of comments that are letters of base64 too: a blank behind them says that they are none. */
const COMMENT_LETTERS = kindOf(/[/-]/)

/** Behind what stands before a line of a block. */
function behindLead(content: Buffer, start: number, end: number): number {
  let from = start
  while (from < end && isAround(content[from])) from++
  let behind = from
  while (behind < end && COMMENT_LETTERS[content[behind] ?? 0] === 1) behind++
  if (behind === from || !isAround(content[behind])) return from
  while (behind < end && isAround(content[behind])) behind++
  return behind
}

/** The first letters of a line, and whether it has nothing else. */
function lettersOf(
  content: Buffer,
  start: number,
  end: number,
  kind: Uint8Array,
): (Run & { isWhole: boolean }) | undefined {
  const from = behindLead(content, start, end)
  let to = from
  while (to < end && kind[content[to] ?? 0] === 1) to++
  let after = to
  while (after < end && isAround(content[after])) after++
  return to > from ? { from, to, isWhole: after === end } : undefined
}

/** The last letters of a line. */
function lastLettersOf(content: Buffer, start: number, end: number, kind: Uint8Array): Run {
  let to = end
  while (to > start && isAround(content[to - 1])) to--
  let from = to
  while (from > start && kind[content[from - 1] ?? 0] === 1) from--
  return { from, to }
}
