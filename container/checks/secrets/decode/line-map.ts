/**
 * How the rows of a view map to lines of the file: consecutive lines from `first` on, the same line for all, or a line
 * for each row.
 */
export type LineMap =
  | { readonly kind: 'from'; readonly first: number }
  | { readonly kind: 'at'; readonly line: number }
  | { readonly kind: 'list'; readonly lines: readonly number[] }

/** Returns the line of the file for a row of a view. Rows count from 0, lines from 1. */
export function lineOfRow(lines: LineMap, row: number): number {
  if (lines.kind === 'from') return lines.first + row
  return lines.kind === 'at' ? lines.line : (lines.lines[row] ?? 0)
}

/** Returns a function from an offset in `content` to its line. It counts on from the last offset. */
export function lineCounter(content: Buffer, first: number): (offset: number) => number {
  const nextNewline = (from: number) => {
    const newline = content.indexOf(10, from)
    return newline < 0 ? Number.POSITIVE_INFINITY : newline
  }
  let lastOffset = 0
  let line = first
  let newline = nextNewline(0)
  return offset => {
    if (offset < lastOffset) {
      line = first
      newline = nextNewline(0)
    }
    for (; newline < offset; newline = nextNewline(newline + 1)) line++
    lastOffset = offset
    return line
  }
}
