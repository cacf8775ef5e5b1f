/** The first request to a remote helper: protocol version 2 (gitremote-helpers(7), stateless-connect). */
export const CONNECT = 'stateless-connect git-upload-pack\n'

/** Reads a list of refs from the bytes of a protocol version 2 connection, or from a helper's own lines. */
interface ListReader<Answer> {
  push(chunk: Buffer): Answer | undefined
  takeHelperLine(line: string): void
  answer(): Answer
}

/**
 * Reads a helper's answer to CONNECT and what follows it. An upstream without version 2 makes the helper
 * answer `fallback`; it is then asked to list the refs itself.
 */
export class HelperReader<Answer> {
  readonly #list: ListReader<Answer>
  readonly #question: Buffer
  readonly #write: (bytes: string | Buffer) => void
  #state: 'asked' | 'connected' | 'fallback' = 'asked'
  #rest: Buffer = Buffer.alloc(0)

  constructor(list: ListReader<Answer>, question: Buffer, write: (bytes: string | Buffer) => void) {
    this.#list = list
    this.#question = question
    this.#write = write
  }

  /** Takes bytes, and returns the list once it is complete. */
  push(chunk: Buffer): Answer | undefined {
    if (this.#state === 'connected') return this.#list.push(chunk)
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (let end = this.#rest.indexOf(0x0a); end >= 0; end = this.#rest.indexOf(0x0a)) {
      const line = this.#rest.toString('utf8', 0, end)
      this.#rest = this.#rest.subarray(end + 1)
      if (this.#state === 'fallback') {
        if (line === '') return this.#list.answer()
        this.#list.takeHelperLine(line)
      } else if (line === '') {
        this.#state = 'connected'
        this.#write(this.#question)
        return this.#list.push(this.#rest)
      } else {
        this.#state = 'fallback'
        this.#write('list\n')
      }
    }
    return undefined
  }
}
