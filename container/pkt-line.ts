/** pkt-lines: four hex digits of length, themselves included, then the payload (gitprotocol-common(5)). */

export const FLUSH = Buffer.from('0000')

/** The most a payload may hold. */
export const MAX_PAYLOAD = 65516

export function pktLine(payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload)
  if (bytes.length > MAX_PAYLOAD) throw new RangeError(`a pkt-line holds ${MAX_PAYLOAD} bytes at most`)
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
}

/** A payload, or `flush` for 0000. */
export type Pkt = Buffer | 'flush'

export class PktLineError extends Error {}

/** Cuts a byte stream into pkt-lines as it comes. Push bytes in, take whole packets out, take back what is left. */
export class PktLines {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk
  }

  /** The next packet, or undefined when more bytes are needed. Throws PktLineError on a length that is none. */
  next(): Pkt | undefined {
    if (this.#rest.length < 4) return undefined
    const digits = this.#rest.toString('latin1', 0, 4)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new PktLineError('a pkt-line does not start with its length')
    const length = Number.parseInt(digits, 16)
    if (length === 0) {
      this.#rest = this.#rest.subarray(4)
      return 'flush'
    }
    if (length < 4 || length - 4 > MAX_PAYLOAD) throw new PktLineError(`a pkt-line has the length ${length}`)
    if (this.#rest.length < length) return undefined
    const payload = this.#rest.subarray(4, length)
    this.#rest = this.#rest.subarray(length)
    return payload
  }

  /** The bytes that follow the packets taken so far. */
  get rest(): Buffer {
    return this.#rest
  }
}
