/** Keeps the first lines and counts the rest. */
export interface FirstLines {
  add(line: string): void
  /** Returns the kept lines, and a last line with the number of dropped lines. */
  readonly all: readonly string[]
}

/**
 * Keeps lines within a byte limit and a line limit: a push's record must fit into one row of the ledger.
 * `shown` prepares a line for keeping, and runs for kept lines only.
 */
export function boundedLines(
  limits: { bytes: number; lines: number },
  shown = (line: string) => line,
): FirstLines {
  const kept: string[] = []
  let bytes = 0
  let more = 0
  return {
    add(line) {
      bytes += Buffer.byteLength(line)
      if (more > 0 || bytes > limits.bytes || kept.length >= limits.lines) more += 1
      else kept.push(shown(line))
    },
    get all() {
      return more ? [...kept, `… and ${more} more lines`] : kept
    },
  }
}

/** Returns the first items within `mostBytes` bytes in total, and at least the first item. */
export function firstOf<T>(all: readonly T[], mostBytes: number, sizeOf: (each: T) => number): T[] {
  let bytes = 0
  const end = all.findIndex((each, i) => {
    bytes += sizeOf(each)
    return i > 0 && bytes > mostBytes
  })
  return end < 0 ? [...all] : all.slice(0, end)
}
