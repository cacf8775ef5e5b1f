import type { Readable } from 'node:stream'

/** Reads a stream by lines and by counts. Buffers only what the current read needs. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next()
    if (next.done) return false
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, next.value]) : next.value
    return true
  }

  /**
   * Returns the bytes before the next `end` byte, or undefined at the end of the stream. Throws when `end`
   * does not come within `maxBytes`, or when the stream ends inside a record.
   */
  async until(end: number, maxBytes = 1 << 20): Promise<Buffer | undefined> {
    let from = 0
    for (;;) {
      const index = this.#rest.indexOf(end, from)
      if (index >= 0) {
        const found = this.#rest.subarray(0, index)
        this.#rest = this.#rest.subarray(index + 1)
        return found
      }
      from = this.#rest.length
      if (from > maxBytes) throw new Error(`no end within ${maxBytes} bytes`)
      if (!(await this.#more())) {
        if (from === 0) return undefined
        throw new Error('the stream ended in the middle')
      }
    }
  }

  /** Returns exactly `count` bytes. Throws when the stream ends before them. */
  async exactly(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    let missing = count
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#more())) throw new Error('the stream ended in the middle')
      const part = this.#rest.subarray(0, missing)
      this.#rest = this.#rest.subarray(part.length)
      parts.push(part)
      missing -= part.length
    }
    return joined(parts)
  }
}

/** Joins parts without a copy where there is only one: copies of large files keep the garbage collector busy. */
export const joined = (parts: readonly Buffer[]): Buffer =>
  parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
