/** From so many texts of one length on, their file is walked once for all of them. */
const MANY = 50
/**
 * Texts that are looked for in a file, however many: what that takes does not grow with both. `effort` is how much may
 * still be compared, in bytes; what was not seen until then counts as not there.
 */
export class Sought {
  readonly seen = new Set<string>()
  readonly #byLength: Map<number, Map<string, string>> = new Map()
  readonly #effort: { bytes: number }

  constructor(texts: Iterable<string>, effort: { bytes: number }) {
    this.#effort = effort
    for (const text of texts) {
      // One character for each byte, as in the content.
      const bytes = Buffer.from(text).toString('latin1')
      const same = this.#byLength.get(bytes.length) ?? new Map<string, string>()
      this.#byLength.set(bytes.length, same.set(bytes, text))
    }
  }

  /** How many of them have not been seen. */
  get open(): number {
    let count = 0
    for (const texts of this.#byLength.values()) count += texts.size
    return count
  }

  lookIn(content: Buffer): void {
    const text = content.toString('latin1')
    for (const [length, open] of this.#byLength) {
      if (open.size > MANY) this.#walk(text, length, open)
      else
        for (const bytes of [...open.keys()]) {
          if (!this.#mayCompare(text.length)) return
          if (text.includes(bytes)) this.#found(bytes, open)
        }
    }
  }

  #walk(text: string, length: number, open: Map<string, string>): void {
    if (!this.#mayCompare(text.length * MANY)) return
    for (let at = 0; at + length <= text.length && open.size > 0; at++) {
      const bytes = text.slice(at, at + length)
      if (open.has(bytes)) this.#found(bytes, open)
    }
  }

  #found(bytes: string, open: Map<string, string>): void {
    this.seen.add(open.get(bytes) ?? '')
    open.delete(bytes)
  }

  #mayCompare(bytes: number): boolean {
    this.#effort.bytes -= bytes
    return this.#effort.bytes >= 0
  }
}
