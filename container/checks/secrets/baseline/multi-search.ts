/** From so many texts of one length on, their file is walked once for all of them. */
const WALK_THRESHOLD = 50
/**
 * Texts that are looked for in a file, however many: what that takes does not grow with both. `effort` is how much may
 * still be compared, in bytes; what was not seen until then counts as not there.
 */
export class MultiSearch {
  readonly found = new Set<string>()
  readonly #byLength: Map<number, Map<string, string>> = new Map()
  readonly #budget: { bytes: number }

  constructor(texts: Iterable<string>, budget: { bytes: number }) {
    this.#budget = budget
    for (const text of texts) {
      // One character for each byte, as in the content.
      const bytes = Buffer.from(text).toString('latin1')
      const sameLength = this.#byLength.get(bytes.length) ?? new Map<string, string>()
      this.#byLength.set(bytes.length, sameLength.set(bytes, text))
    }
  }

  /** How many of them have not been seen. */
  get remaining(): number {
    let count = 0
    for (const texts of this.#byLength.values()) count += texts.size
    return count
  }

  search(content: Buffer): void {
    const text = content.toString('latin1')
    for (const [length, remaining] of this.#byLength) {
      if (remaining.size > WALK_THRESHOLD) this.#walk(text, length, remaining)
      else
        for (const bytes of [...remaining.keys()]) {
          if (!this.#spend(text.length)) return
          if (text.includes(bytes)) this.#markFound(bytes, remaining)
        }
    }
  }

  #walk(text: string, length: number, remaining: Map<string, string>): void {
    if (!this.#spend(text.length * WALK_THRESHOLD)) return
    for (let offset = 0; offset + length <= text.length && remaining.size > 0; offset++) {
      const bytes = text.slice(offset, offset + length)
      if (remaining.has(bytes)) this.#markFound(bytes, remaining)
    }
  }

  #markFound(bytes: string, remaining: Map<string, string>): void {
    this.found.add(remaining.get(bytes) ?? '')
    remaining.delete(bytes)
  }

  #spend(bytes: number): boolean {
    this.#budget.bytes -= bytes
    return this.#budget.bytes >= 0
  }
}
