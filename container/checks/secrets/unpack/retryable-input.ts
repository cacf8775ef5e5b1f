import type { Source } from '../bytes/byte-source.ts'

/** The bytes of a source that a decompressor gets at once. */
export const CHUNK_BYTES = 64 << 10
/**
 * The length of the shortest first chunk, in bytes: headers are read whole, and no secret is compressed to fewer bytes.
 */
const MIN_FIRST_CHUNK = 32

/** The chunk lengths of each retry, in bytes. */
const RETRY_STEPS = [256, 1]

/** Where a retry begins to use short chunks: from offset `from` on, of `step` bytes each. */
export interface RetryFrom {
  readonly from: number
  readonly step: number
}

/** The bytes of a source from `start` on, in chunks. Each chunk is read when the one before has been consumed. */
export class RetryableInput {
  /** The chunk that was yielded last. */
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
  /**
   * Returns how to retry with shorter chunks, so that an error costs less output. Undefined: no shorter chunk helps.
   */
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
