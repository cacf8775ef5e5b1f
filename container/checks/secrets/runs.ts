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
 * The runs of at least `min` bytes of a kind. A pattern would do, but for its stack: V8 keeps every step of a greedy
 * match, and gives up on one of some megabytes.
 */
export function* runsOf(content: Buffer, kind: Uint8Array, min: number): Generator<Run> {
  let from = -1
  for (let i = 0; i <= content.length; i++) {
    if (i < content.length && kind[content[i] ?? 0] === 1) {
      if (from < 0) from = i
    } else if (from >= 0) {
      if (i - from >= min) yield { from, to: i }
      from = -1
    }
  }
}

const NEWLINE = 10
const isBlank = (byte: number | undefined) => byte === 32 || byte === 9 || byte === 13
const EQUALS = 61

/**
 * Blocks of lines that are each one run of a kind, as base64 is wrapped: whole lines of at least `min` letters, then
 * one of any length, which may end in up to two `=`. Each is answered with its start and its letters, joined.
 */
export function* wrappedIn(
  content: Buffer,
  kind: Uint8Array,
  min: number,
): Generator<{ at: number; joined: string }> {
  let parts: string[] = []
  let at = 0
  for (let start = 0; start <= content.length; ) {
    const newline = content.indexOf(NEWLINE, start)
    const end = newline < 0 ? content.length : newline
    const line = lettersOf(content, start, end, kind)
    if (line && line.equals === 0 && line.to - line.from >= min) {
      if (parts.length === 0) at = start
      parts.push(content.toString('latin1', line.from, line.to))
    } else {
      if (line && parts.length > 0) parts.push(content.toString('latin1', line.from, line.to))
      if (parts.length > 1) yield { at, joined: parts.join('') }
      parts = []
    }
    start = end + 1
  }
  if (parts.length > 1) yield { at, joined: parts.join('') }
}

/** The letters of a line that has nothing else but blanks around them, and `=` behind. */
function lettersOf(
  content: Buffer,
  start: number,
  end: number,
  kind: Uint8Array,
): (Run & { equals: number }) | undefined {
  let from = start
  while (from < end && isBlank(content[from])) from++
  let to = from
  while (to < end && kind[content[to] ?? 0] === 1) to++
  let after = to
  while (after < end && content[after] === EQUALS) after++
  const equals = after - to
  while (after < end && isBlank(content[after])) after++
  return to > from && after === end && equals <= 2 ? { from, to, equals } : undefined
}
