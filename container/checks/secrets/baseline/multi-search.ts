/** From this many texts of one length on, one walk over the content looks for all of them. */
const WALK_THRESHOLD = 50
/**
 * Searches contents for many texts. The time does not grow with the product of texts and contents. `budget` limits the
 * bytes that are compared; a text that is not found within it counts as missing.
 */
export class MultiSearch {
  readonly found = new Set<string>()
  readonly #byLength: Map<number, Map<string, string>> = new Map()
  readonly #budget: { bytes: number }

  constructor(texts: Iterable<string>, budget: { bytes: number }) {
    this.#budget = budget
    for (const text of texts) {
      // Latin-1 maps every byte to one character, as for the content.
      const bytes = Buffer.from(text).toString('latin1')
      const sameLength = this.#byLength.get(bytes.length) ?? new Map<string, string>()
      this.#byLength.set(bytes.length, sameLength.set(bytes, text))
    }
  }

  /** The number of texts that have not been found. */
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
