/** The time between two messages about phases, in milliseconds. A message for each file takes as long as its scan. */
const PHASE_MS = 100

/** Sends the latest phase, while there are new ones. */
export class PhaseSender implements Disposable {
  readonly #send: (phase: string) => void
  #latest = ''
  #sent = ''
  readonly #timer = setInterval(() => this.#sendLatest(), PHASE_MS)

  constructor(send: (phase: string) => void) {
    this.#send = send
  }

  readonly onPhase = (phase: string): void => {
    this.#latest = phase
  }
  #sendLatest(): void {
    if (this.#latest === this.#sent) return
    this.#sent = this.#latest
    this.#send(this.#latest)
  }
  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
