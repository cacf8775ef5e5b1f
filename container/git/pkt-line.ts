/**
 * pkt-lines: four hex digits of length, including these four bytes, then the payload (gitprotocol-common(5)).
 */

export const FLUSH = Buffer.from('0000')

/** Separates the sections of a message (gitprotocol-v2(5), "Packet-Line Framing"). */
export const DELIMITER = Buffer.from('0001')

/** The longest payload, in bytes. */
export const MAX_PAYLOAD = 65516

export function pktLine(payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload)
  if (bytes.length > MAX_PAYLOAD) throw new RangeError(`a pkt-line holds ${MAX_PAYLOAD} bytes at most`)
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
}

/**
 * Reads a packet's length of four hex digits; -1: they are no such digits. It makes no string: a list of refs has many
 * packets.
 */
export function readLength(bytes: Buffer, from: number): number {
  let length = 0
  for (let at = from; at < from + 4; at++) {
    const digit = DIGITS[bytes[at] ?? 0] ?? -1
    if (digit < 0) return -1
    length = length * 16 + digit
  }
  return length
}

/** The values of hex digits by their byte; -1: no hex digit. */
const DIGITS = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = String.fromCharCode(byte)
  return /[0-9a-fA-F]/.test(digit) ? Number.parseInt(digit, 16) : -1
})

export type Pkt = Buffer | 'flush'

export class PktLineError extends Error {}

/**
 * Splits a byte stream into pkt-lines. `push` takes bytes, `next` returns whole packets, `rest` returns the
 * bytes after them.
 */
export class PktLines {
  #bytes: Buffer = Buffer.alloc(0)
  /** The offset of the first byte that is not taken. */
  #at = 0
  /**
   * Chunks that are not yet joined to #bytes. Joining them only when a packet may be complete keeps bytes that
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
    this.#join()
    const length = readLength(this.#bytes, this.#at)
    if (length < 0) throw new PktLineError('a pkt-line does not start with its length')
    if (length === 0) {
      this.#consume(4)
      return 'flush'
    }
    if (length < 4 || length - 4 > MAX_PAYLOAD) throw new PktLineError(`a pkt-line has the length ${length}`)
    this.#wanted = length
    if (this.#held < length) return undefined
    this.#consume(length)
    return this.#bytes.subarray(this.#at - length + 4, this.#at)
  }

  /** Does the same for a protocol in which a packet may be a delimiter. */
  nextOrDelimiter(): Pkt | 'delimiter' | undefined {
    // A length that is read already is no delimiter's.
    if (this.#wanted > 4 || this.#held < 4) return this.next()
    this.#join()
    if (readLength(this.#bytes, this.#at) !== 1) return this.next()
    this.#consume(4)
    return 'delimiter'
  }

  /** The number of bytes after the packets taken so far. */
  get held(): number {
    return this.#held
  }

  /** The bytes after the packets taken so far. */
  get rest(): Buffer {
    this.#join()
    return this.#bytes.subarray(this.#at)
  }

  #join(): void {
    if (this.#more.length === 0) return
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#more])
    this.#at = 0
    this.#more = []
  }

  #consume(length: number): void {
    this.#at += length
    this.#held -= length
    this.#wanted = 4
  }
}
