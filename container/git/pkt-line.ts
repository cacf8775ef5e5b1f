/**
 * pkt-lines: four hex digits of length, including these four bytes, then the payload (gitprotocol-common(5)).
 */

export const FLUSH = Buffer.from('0000')

/** The longest payload, in bytes. */
export const MAX_PAYLOAD = 65516

export function pktLine(payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload)
  if (bytes.length > MAX_PAYLOAD) throw new RangeError(`a pkt-line holds ${MAX_PAYLOAD} bytes at most`)
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
}

export type Pkt = Buffer | 'flush'

export class PktLineError extends Error {}

/**
 * Splits a byte stream into pkt-lines. `push` takes bytes, `next` returns whole packets, `rest` returns the
 * bytes after them.
 */
export class PktLines {
  #rest: Buffer = Buffer.alloc(0)
  /**
   * Chunks that are not yet joined to #rest. Joining them only when a packet may be complete keeps bytes that
   * trickle in from costing quadratic time.
   */
  #more: Buffer[] = []
  #held = 0
  #wanted = 4

  push(chunk: Buffer): void {
    this.#more.push(chunk)
    this.#held += chunk.length
  }

  /**
   * Returns the next packet, or undefined when more bytes are needed. Throws PktLineError on an invalid
   * length.
   */
  next(): Pkt | undefined {
    if (this.#held < this.#wanted) return undefined
    const digits = this.rest.toString('latin1', 0, 4)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new PktLineError('a pkt-line does not start with its length')
    const length = Number.parseInt(digits, 16)
    if (length === 0) {
      this.#take(4)
      return 'flush'
    }
    if (length < 4 || length - 4 > MAX_PAYLOAD) throw new PktLineError(`a pkt-line has the length ${length}`)
    this.#wanted = length
    return this.#held < length ? undefined : this.#take(length).subarray(4)
  }

  /** The number of bytes after the packets taken so far. */
  get held(): number {
    return this.#held
  }

  /** The bytes after the packets taken so far. */
  get rest(): Buffer {
    if (this.#more.length) this.#rest = Buffer.concat([this.#rest, ...this.#more])
    this.#more = []
    return this.#rest
  }

  #take(length: number): Buffer {
    const taken = this.rest.subarray(0, length)
    this.#rest = this.rest.subarray(length)
    this.#held -= length
    this.#wanted = 4
    return taken
  }
}
