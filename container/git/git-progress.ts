/** The longest text that is kept, in characters. */
const MAX_KEPT = 4096

/** Splits git's stderr under --progress into progress and messages. */
export class GitProgress {
  /** The newest progress line, such as `Receiving objects: 42% (420/1000), 63.00 MiB | 2.30 MiB/s`. */
  now = ''
  /** The end of git's other messages, which holds the reason when git fails. */
  stderr = ''
  #line = ''
  readonly #onOutput: () => void

  constructor(onOutput: () => void = () => {}) {
    this.#onOutput = onOutput
  }

  push(chunk: Buffer): void {
    this.#onOutput()
    const lines = (this.#line + chunk.toString('utf8')).split(/[\r\n]+/)
    this.#line = (lines.pop() ?? '').slice(-MAX_KEPT)
    for (const line of lines) this.#acceptLine(line)
  }

  #acceptLine(line: string): void {
    const step = /^(?:remote: )?((?:Enumerating|Counting|Compressing|Receiving|Resolving) \w+:.*)$/.exec(line)
    if (step?.[1]) this.now = step[1].replaceAll(/\s+/g, ' ').trim()
    else this.stderr = `${this.stderr}${line}\n`.slice(-MAX_KEPT)
  }
}
