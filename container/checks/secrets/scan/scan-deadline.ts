/** The text that a scan gets through in a second at least, in bytes. A busy machine scans ten times as much. */
const MIN_BYTES_PER_SECOND = 100_000

/**
 * The bound of a scan that grows with its size: a scan that gets on goes on. It ends after some time without progress,
 * or when it gets on more slowly than the least rate.
 */
export class ScanDeadline implements Disposable {
  readonly #silenceMs: number
  readonly #stop = new AbortController()
  readonly #started = performance.now()
  #silence: NodeJS.Timeout
  #bytes = 0
  /** Why the scan was ended; undefined: it was not. */
  #ended: 'silent' | 'slow' | undefined

  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs
    this.#silence = this.#startSilence()
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }
  get ended(): 'silent' | 'slow' | undefined {
    return this.#ended
  }

  /** Takes note of progress. It ends the scan when the bytes have taken too long. */
  progress(): void {
    clearTimeout(this.#silence)
    if (this.#ended) return
    const allowedMs = this.#silenceMs + (this.#bytes / MIN_BYTES_PER_SECOND) * 1000
    if (performance.now() - this.#started > allowedMs) this.#end('slow')
    else this.#silence = this.#startSilence()
  }

  /** Allows more time, for more bytes to scan. */
  addBytes(bytes: number): void {
    this.#bytes += bytes
    this.progress()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#silence)
  }

  #startSilence(): NodeJS.Timeout {
    return setTimeout(() => this.#end('silent'), this.#silenceMs)
  }

  #end(reason: 'silent' | 'slow'): void {
    this.#ended = reason
    this.#stop.abort(new Error(`the scan is ${reason}`))
  }
}
