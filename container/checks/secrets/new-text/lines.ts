/** The lines of a text: where each begins, and a hash of its bytes. A text that ends with a newline has no empty last line. */
export interface Lines {
  readonly count: number
  /** The offset of each line, and at last the length of the text. */
  readonly starts: Uint32Array
  readonly hashes: Int32Array
}

const NEWLINE = 10

export function linesOf(text: Buffer): Lines {
  const max = countNewlines(text) + 1
  const starts = new Uint32Array(max + 1)
  const hashes = new Int32Array(max)
  let count = 0
  let hash = 0
  for (let offset = 0; offset < text.length; offset++) {
    const byte = text[offset] as number
    hash = Math.imul(hash ^ byte, 0x01000193)
    if (byte !== NEWLINE && offset !== text.length - 1) continue
    hashes[count++] = hash
    starts[count] = offset + 1
    hash = 0
  }
  return { count, starts, hashes }
}

function countNewlines(text: Buffer): number {
  let count = 0
  for (let offset = 0; offset < text.length; offset++) if (text[offset] === NEWLINE) count++
  return count
}
