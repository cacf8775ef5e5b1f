import type { Source } from '../bytes/byte-source.ts'

/** So much of a source is handed to a decompressor at once, in bytes. */
export const PIECE = 64 << 10
/** The first piece is never shorter, in bytes: heads are read whole, and no secret is packed in so few. */
const HEAD = 32

/** How short pieces get, one after the other, in bytes. */
const STEPS = [256, 1]

/** Where pieces are shorter than usual: from `from` on, `step` bytes each. */
export interface Finer {
  readonly from: number
  readonly step: number
}

/** What lies in `source` from `start` on, piece by piece, each read when the one before is dealt with. */
export class Pieces {
  /** The piece that was handed over last. */
  #last = { at: 0, length: 0 }
  readonly #source: Source
  readonly #start: number
  readonly #finer: Finer | undefined
  constructor(source: Source, start: number, finer?: Finer) {
    this.#source = source
    this.#start = start
    this.#finer = finer
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const { size } = this.#source
    let read: Buffer = Buffer.alloc(0)
    for (let at = this.#start; at < size; at += this.#last.length) {
      if (read.length === 0) read = await this.#source.read(at, Math.min(PIECE, size - at))
      const piece = read.subarray(0, this.#lengthAt(at))
      read = read.subarray(piece.length)
      this.#last = { at, length: piece.length }
      yield piece
    }
  }
  /** Which pieces to take the next time, so that less is lost with the one that broke; none: that one is the damage. */
  finer(): Finer | undefined {
    const { at, length } = this.#last
    const step = STEPS.find(shorter => shorter < Math.min(length, this.#finer?.step ?? PIECE))
    return step === undefined || (at === this.#start && length <= HEAD) ? undefined : { from: at, step }
  }
  #lengthAt(at: number): number {
    if (!this.#finer) return PIECE
    if (at < this.#finer.from) return this.#finer.from - at
    return at === this.#start ? HEAD : this.#finer.step
  }
}
