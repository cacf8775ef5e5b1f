import { inBytes, LimitExceeded, type Limits } from '../../limits.ts'

/** Places that look like a compressed stream are tried this many times for each stream that may be opened. */
const PROBES_PER_STREAM = 10
/** The part of a file name that counts as one probe, in bytes. */
const NAME_BYTES_PER_PROBE = 4096
/** The time after which the thread is yielded, in milliseconds. */
const YIELD_AFTER_MS = 20

/** A limit for a scan on a thread that it shares with other sessions: the thread's processor time. */
export interface ThreadLimits {
  readonly maxMs?: number
}

/**
 * The processor time of this thread in milliseconds. Other processes of a busy machine add nothing to it: a scan that
 * went to a child process for their sake would make the machine busier.
 */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
const wallMs = () => performance.now()

/** The counts of a push: unpacked bytes, streams and probes. Each thread of its scan adds to them. */
export type BudgetCounts = BigInt64Array<SharedArrayBuffer>
const BYTES = 0
const STREAMS = 1
const PROBES = 2
const COUNTS = 3

/**
 * Counts unpacked bytes, streams, probes and time against a push's limits. One budget counts for the whole push, or
 * several with the same counts. Its methods throw LimitExceeded.
 */
export class Budget {
  readonly #limits: Limits & ThreadLimits
  readonly counts: BudgetCounts
  readonly #now: () => number
  #ms = 0
  #sinceYieldMs = 0
  constructor(
    limits: Limits & ThreadLimits,
    counts: BudgetCounts = new BigInt64Array(new SharedArrayBuffer(COUNTS * BigInt64Array.BYTES_PER_ELEMENT)),
  ) {
    this.#limits = limits
    this.counts = counts
    this.#now = limits.maxMs === undefined ? wallMs : threadMs
  }
  /** Adds to a count. Returns the sum. */
  #add(count: number, value: number): number {
    const added = BigInt(Math.ceil(value))
    return Number(Atomics.add(this.counts, count, added) + added)
  }
  countStream(depth: number, path: string): void {
    if (depth > this.#limits.maxDepth)
      throw new LimitExceeded(
        `${path} is packed in more than ${this.#limits.maxDepth} layers`,
        'push the files themselves, or fewer layers of archives',
      )
    if (this.#add(STREAMS, 1) > this.#limits.maxUnpacks)
      throw new LimitExceeded(
        `its archives hold more than ${this.#limits.maxUnpacks} files`,
        'push the files themselves, or smaller archives',
      )
  }
  addBytes(bytes: number, path: string): void {
    if (this.#add(BYTES, bytes) > this.#limits.maxUnpackedBytes)
      throw new LimitExceeded(
        `${path} and its other archives unpack to more than ${inBytes(this.#limits.maxUnpackedBytes)}`,
        'push smaller archives, or the files themselves',
      )
  }
  /** Counts one attempt to inflate at a place that looks like a compressed stream, and the bytes read for its name. */
  countProbe(bytes = 0): void {
    const probes = this.#add(PROBES, 1 + Math.floor(bytes / NAME_BYTES_PER_PROBE))
    if (probes > this.#limits.maxUnpacks * PROBES_PER_STREAM)
      throw new LimitExceeded(
        `in more than ${this.#limits.maxUnpacks * PROBES_PER_STREAM} places its files look compressed and are not`,
        'push it in smaller parts',
      )
  }
  /** Runs synchronous work and counts its time. */
  timed<T>(work: () => T): T {
    const started = this.#now()
    try {
      return work()
    } finally {
      const ms = this.#now() - started
      this.#ms += ms
      this.#sinceYieldMs += ms
    }
  }
  /** Returns whether to yield the thread. Throws LimitExceeded when the scan has used its share of the thread. */
  shouldYield(): boolean {
    if (this.#ms > (this.#limits.maxMs ?? Number.POSITIVE_INFINITY))
      throw new LimitExceeded(`its files take more than ${this.#limits.maxMs} ms to scan`, '')
    const isDue = this.#sinceYieldMs > YIELD_AFTER_MS
    if (isDue) this.#sinceYieldMs = 0
    return isDue
  }
}
