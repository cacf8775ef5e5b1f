/** The first lines of what someone says, and how many more there were. */
export interface FirstLines {
  add(line: string): void
  /** With a last line that tells of those that were not kept. */
  readonly all: readonly string[]
}

/**
 * Keeps lines up to so many bytes and so many of them: a push's record has to fit into one row of the ledger. `shown`
 * makes a line fit to be kept; lines that are not kept do not cost its time.
 */
export function boundedLines(
  most: { bytes: number; lines: number },
  shown = (line: string) => line,
): FirstLines {
  const kept: string[] = []
  let bytes = 0
  let more = 0
  return {
    add(line) {
      bytes += Buffer.byteLength(line)
      if (more > 0 || bytes > most.bytes || kept.length >= most.lines) more += 1
      else kept.push(shown(line))
    },
    get all() {
      return more ? [...kept, `… and ${more} more lines`] : kept
    },
  }
}

/** The first of them, as many as make up so many bytes together, and one at least. */
export function firstOf<T>(all: readonly T[], mostBytes: number, sizeOf: (each: T) => number): T[] {
  let bytes = 0
  const end = all.findIndex((each, i) => {
    bytes += sizeOf(each)
    return i > 0 && bytes > mostBytes
  })
  return end < 0 ? [...all] : all.slice(0, end)
}
