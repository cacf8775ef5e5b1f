import { inBytes, LimitExceeded, type Limits } from '../../limits.ts'

/** What would be a compressed stream is tried so many times for each that may be opened. */
const PROBES_PER_STREAM = 10
/** As much of a file's name costs as much as a trial, in bytes. */
const NAME_BYTES_PER_PROBE = 4096
/** Others have their turn after so long, in milliseconds. */
const YIELD_AFTER_MS = 20

/** What the search may take of a thread that it shares with others, in milliseconds. */
export interface ThreadLimits {
  readonly maxMs?: number
}

/** What a push may still unpack, and how long it may be worked on; shared by everything in it. */
export class Budget {
  readonly #limits: Limits & ThreadLimits
  #bytes = 0
  #streams = 0
  #probes = 0
  #ms = 0
  #turnMs = 0
  constructor(limits: Limits & ThreadLimits) {
    this.#limits = limits
  }
  countStream(depth: number, path: string): void {
    if (depth > this.#limits.maxDepth)
      throw new LimitExceeded(
        `${path} is packed more than ${this.#limits.maxDepth} times over`,
        'push the files themselves, or fewer layers of archives',
      )
    if (++this.#streams > this.#limits.maxUnpacks)
      throw new LimitExceeded(
        `its archives hold more than ${this.#limits.maxUnpacks} files`,
        'push the files themselves, or smaller archives',
      )
  }
  addBytes(bytes: number, path: string): void {
    this.#bytes += bytes
    if (this.#bytes > this.#limits.maxUnpackedBytes)
      throw new LimitExceeded(
        `${path} and its other archives unpack to more than ${inBytes(this.#limits.maxUnpackedBytes)}`,
        'push smaller archives, or the files themselves',
      )
  }
  /** Something may be a compressed stream, which is not free to find out. */
  countProbe(bytes = 0): void {
    this.#probes += 1 + Math.floor(bytes / NAME_BYTES_PER_PROBE)
    if (this.#probes > this.#limits.maxUnpacks * PROBES_PER_STREAM)
      throw new LimitExceeded(
        `in more than ${this.#limits.maxUnpacks * PROBES_PER_STREAM} places its files look compressed and are not`,
        'push it in smaller parts',
      )
  }
  /** Work that nothing can interrupt. */
  timed<T>(timed: () => T): T {
    const started = performance.now()
    try {
      return timed()
    } finally {
      const ms = performance.now() - started
      this.#ms += ms
      this.#turnMs += ms
    }
  }
  /** Is it time to let others work? When there was more to do than a shared thread can give, that is the end. */
  shouldYield(): boolean {
    if (this.#ms > (this.#limits.maxMs ?? Number.POSITIVE_INFINITY))
      throw new LimitExceeded(`its files take more than ${this.#limits.maxMs} ms to look through`, '')
    const isDue = this.#turnMs > YIELD_AFTER_MS
    if (isDue) this.#turnMs = 0
    return isDue
  }
}
