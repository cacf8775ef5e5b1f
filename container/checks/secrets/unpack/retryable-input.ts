import type { Source } from '../bytes/byte-source.ts'

/** So much of a source is handed to a decompressor at once, in bytes. */
export const CHUNK_BYTES = 64 << 10
/** The first piece is never shorter, in bytes: heads are read whole, and no secret is packed in so few. */
const MIN_FIRST_CHUNK = 32

/** How short pieces get, one after the other, in bytes. */
const RETRY_STEPS = [256, 1]

/** Where pieces are shorter than usual: from `from` on, `step` bytes each. */
export interface RetryFrom {
  readonly from: number
  readonly step: number
}

/** What lies in `source` from `start` on, piece by piece, each read when the one before is dealt with. */
export class RetryableInput {
  /** The piece that was handed over last. */
  #last = { offset: 0, length: 0 }
  readonly #source: Source
  readonly #start: number
  readonly #retryFrom: RetryFrom | undefined
  constructor(source: Source, start: number, retryFrom?: RetryFrom) {
    this.#source = source
    this.#start = start
    this.#retryFrom = retryFrom
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const { size } = this.#source
    let buffered: Buffer = Buffer.alloc(0)
    for (let offset = this.#start; offset < size; offset += this.#last.length) {
      if (buffered.length === 0)
        buffered = await this.#source.read(offset, Math.min(CHUNK_BYTES, size - offset))
      const chunk = buffered.subarray(0, this.#lengthAt(offset))
      buffered = buffered.subarray(chunk.length)
      this.#last = { offset, length: chunk.length }
      yield chunk
    }
  }
  /** Which pieces to take the next time, so that less is lost with the one that broke; none: that one is the damage. */
  retryFrom(): RetryFrom | undefined {
    const { offset, length } = this.#last
    const step = RETRY_STEPS.find(shorter => shorter < Math.min(length, this.#retryFrom?.step ?? CHUNK_BYTES))
    return step === undefined || (offset === this.#start && length <= MIN_FIRST_CHUNK)
      ? undefined
      : { from: offset, step }
  }
  #lengthAt(offset: number): number {
    if (!this.#retryFrom) return CHUNK_BYTES
    if (offset < this.#retryFrom.from) return this.#retryFrom.from - offset
    return offset === this.#start ? MIN_FIRST_CHUNK : this.#retryFrom.step
  }
}
