import {
  DELIMITER,
  FLUSH,
  MAX_PAYLOAD,
  type Pkt,
  PktLineError,
  PktLines,
  pktLine,
  readLength,
} from '../../../git/pkt-line.ts'

/** A server's reply to a request (git-lfs docs/proposals/ssh_adapter.md). */
export interface Reply {
  /** As in HTTP. */
  readonly status: number
  readonly args: ReadonlyMap<string, string>
  /** The lines after the delimiter. */
  readonly lines: readonly string[]
}

type ReplyHead = Omit<Reply, 'lines'> & { readonly hasBody: boolean }

export type RequestArgs = Readonly<Record<string, string | number | undefined>>

/** The stream of a reply has ended before the reply. */
export class StreamEnded extends Error {}

/** The bytes of an object in one packet, as git-lfs sends them. */
const DATA_BYTES = 32 << 10

/** The most text of one reply, in bytes. */
const MAX_TEXT_BYTES = 4 << 20

const encodeText = (text: string) => pktLine(`${text}\n`)

const encodeHead = (command: string, args: RequestArgs): Buffer[] => [
  encodeText(command),
  ...Object.entries(args).flatMap(([key, value]) =>
    value === undefined ? [] : [encodeText(`${key}=${value}`)],
  ),
]

/** Encodes a request without data. Servers take no delimiter where a command has no lines. */
export function encodeRequest(command: string, args: RequestArgs = {}, lines?: readonly string[]): Buffer {
  const body = lines ? [DELIMITER, ...lines.map(encodeText)] : []
  return Buffer.concat([...encodeHead(command, args), ...body, FLUSH])
}

/** Encodes the start of a request with data. `encodeData` encodes the data, and FLUSH ends the request. */
export const encodeDataRequest = (command: string, args: RequestArgs): Buffer =>
  Buffer.concat([...encodeHead(command, args), DELIMITER])

/** Returns the packets of a chunk of data, without a copy of it. */
export function encodeData(chunk: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let offset = 0; offset < chunk.length; offset += DATA_BYTES) {
    const payload = chunk.subarray(offset, offset + DATA_BYTES)
    parts.push(Buffer.from((payload.length + 4).toString(16).padStart(4, '0')), payload)
  }
  return parts
}

/**
 * Reads the replies in a stream of chunks, of which it takes no more than it needs. Its methods reject with
 * PktLineError on invalid bytes, and with StreamEnded.
 */
export class ReplyReader {
  readonly #chunks: AsyncIterator<Buffer>
  /** The bytes that are not taken yet. */
  #packets = new PktLines()
  /** The bytes of the current packet of data that are not taken yet. */
  #leftOfPacket = 0

  constructor(chunks: AsyncIterator<Buffer>) {
    this.#chunks = chunks
  }

  /** True if there are no bytes after the last reply. */
  get isEmpty(): boolean {
    return this.#packets.held === 0
  }

  /** Reads lines up to a flush: a server's capabilities, or the rest of a reply. */
  async lines(): Promise<string[]> {
    const { lines, end } = await this.#section()
    if (end === 'delimiter') throw new PktLineError('a delimiter in the middle of lines')
    return lines
  }

  /** Reads a reply without data. */
  async reply(): Promise<Reply> {
    const { hasBody, ...head } = await this.head()
    return { ...head, lines: hasBody ? await this.lines() : [] }
  }

  /** Reads a reply up to its delimiter. Its data, if there is a delimiter, is read by `data`. */
  async head(): Promise<ReplyHead> {
    const { lines, end } = await this.#section()
    const [, status] = /^status (\d{3})$/.exec(lines[0] ?? '') ?? []
    if (status === undefined) throw new PktLineError('a reply does not start with its status')
    // The protocol ignores what it does not know. Some servers send an empty line for no argument.
    const args = lines.slice(1).flatMap(line => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(line) ?? []
      return key === undefined || value === undefined ? [] : [[key, value] as const]
    })
    return { status: Number(status), args: new Map(args), hasBody: end === 'delimiter' }
  }

  /** Reads the next bytes of a reply's data, a packet or a part of it; undefined: the end. They are not copied. */
  async data(): Promise<Buffer | undefined> {
    let bytes = this.#packets.rest
    this.#packets = new PktLines()
    while (this.#leftOfPacket === 0) {
      while (bytes.length < 4) {
        const chunk = await this.#nextChunk()
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      }
      const length = readLength(bytes, 0)
      bytes = bytes.subarray(4)
      if (length === 0) {
        this.#packets.push(bytes)
        return undefined
      }
      if (length < 4 || length - 4 > MAX_PAYLOAD)
        throw new PktLineError(`a packet of data has the length ${length}`)
      this.#leftOfPacket = length - 4
    }
    if (bytes.length === 0) bytes = await this.#nextChunk()
    const part = bytes.subarray(0, this.#leftOfPacket)
    this.#leftOfPacket -= part.length
    this.#packets.push(bytes.subarray(part.length))
    return part
  }

  /** Reads lines up to a flush or a delimiter. */
  async #section(): Promise<{ lines: string[]; end: 'flush' | 'delimiter' }> {
    const lines: string[] = []
    let bytes = 0
    for (;;) {
      const packet = await this.#next()
      if (packet === 'flush' || packet === 'delimiter') return { lines, end: packet }
      bytes += packet.length + 4
      if (bytes > MAX_TEXT_BYTES) throw new PktLineError('a reply is too long')
      lines.push(packet.toString('utf8').replace(/\n$/, ''))
    }
  }

  async #next(): Promise<Pkt | 'delimiter'> {
    for (;;) {
      const packet = this.#packets.nextOrDelimiter()
      if (packet !== undefined) return packet
      this.#packets.push(await this.#nextChunk())
    }
  }

  async #nextChunk(): Promise<Buffer> {
    const { done, value } = await this.#chunks.next()
    if (done) throw new StreamEnded()
    return value
  }
}
