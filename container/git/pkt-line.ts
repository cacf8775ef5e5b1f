import { isAscii } from 'node:buffer'

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

/** Reads the length of the packet at an offset, 0: a flush; infinity: more bytes are needed. Throws PktLineError. */
function lengthAt(bytes: Buffer, at: number): number {
  if (bytes.length - at < 4) return Number.POSITIVE_INFINITY
  const length = readLength(bytes, at)
  if (length < 0) throw new PktLineError('a pkt-line does not start with its length')
  if ((length > 0 && length < 4) || length - 4 > MAX_PAYLOAD)
    throw new PktLineError(`a pkt-line has the length ${length}`)
  return length
}

const LINE_FEED = 10

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
    const length = lengthAt(this.#bytes, this.#at)
    if (length === 0) {
      this.#consume(4)
      return 'flush'
    }
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

  /**
   * Calls `take` with the text of each whole packet up to a flush, without the line feed at its end. Returns true at the
   * flush. All these packets are parts of one string, since a list of refs has many. Throws PktLineError on an invalid
   * length.
   */
  takeLines(take: (line: string) => void): boolean {
    if (this.#held < this.#wanted) return false
    this.#join()
    const bytes = this.#bytes.subarray(this.#at)
    const text = isAscii(bytes) ? bytes.toString('latin1') : undefined
    let at = 0
    let next = lengthAt(bytes, at)
    for (; next <= bytes.length - at; next = lengthAt(bytes, at)) {
      if (next === 0) {
        this.#consume(at + 4)
        return true
      }
      const end = at + next - (bytes[at + next - 1] === LINE_FEED ? 1 : 0)
      take(text?.slice(at + 4, end) ?? bytes.toString('utf8', at + 4, end))
      at += next
    }
    this.#consume(at)
    if (Number.isFinite(next)) this.#wanted = next
    return false
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
