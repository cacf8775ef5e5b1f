import type { DisconnectReason } from '../../src/contract/outcome.ts'

/** The limits for a client that sends too slowly. */
export interface Pace {
  /** The longest silence, in milliseconds. */
  readonly idleMs: number
  /**
   * The minimum rate in bytes per second, over one minute or over `idleMs` where that is shorter; absent: no
   * minimum.
   */
  readonly bytesPerSecond?: number
  /** The total time from the first wait, in milliseconds; absent: no limit. */
  readonly withinMs?: number
}

/** The timeout for a request's head over HTTP, and for the first packet over `git://`, in milliseconds. */
export const REQUEST_HEAD_MS = 15_000

/**
 * TCP keepalives detect a peer that vanished without a FIN: the first probe after this silence in
 * milliseconds, then ten more, one second apart (libuv's uv_tcp_keepalive).
 */
export const KEEPALIVE_PROBE_MS = 5_000

const WINDOW_MS = 60_000

/**
 * Limits a wait for a client by silence, by minimum rate and by total time. Only time in which the gate waits
 * counts against the rate, so a client is not charged for a git that reads slowly.
 *
 * Bytes earn time and waiting spends it. One silence spends at most half a window: a client's git that
 * compresses one large file is as silent as a stopped client, and `idleMs` limits that silence. A client that
 * sends a byte now and then runs out of time within one window.
 */
export class IdleDeadline {
  readonly #onLate: (reason: DisconnectReason) => void
  readonly #bytesPerMs: number
  #windowMs: number
  #idleMs: number
  #withinMs: number
  #credit: number
  #endsAt: number | undefined
  /** The start of the current silence; undefined while the gate does not wait. */
  #silentSince: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(pace: Pace, onLate: (reason: DisconnectReason) => void) {
    this.#onLate = onLate
    this.#idleMs = pace.idleMs
    this.#withinMs = pace.withinMs ?? Number.POSITIVE_INFINITY
    this.#bytesPerMs = (pace.bytesPerSecond ?? 0) / 1000
    this.#windowMs = Math.min(WINDOW_MS, pace.idleMs)
    this.#credit = this.#windowMs
  }

  /** Starts a wait. */
  wait(): void {
    const now = performance.now()
    this.#endsAt ??= now + this.#withinMs
    this.#silentSince ??= now
    this.#arm()
  }

  /** Counts bytes. A running wait starts a new silence. */
  received(bytes: number): void {
    this.#spend()
    if (this.#bytesPerMs > 0) this.#credit = Math.min(this.#windowMs, this.#credit + bytes / this.#bytesPerMs)
    if (this.#silentSince === undefined) return
    this.#silentSince = performance.now()
    this.#arm()
  }

  /** Ends the wait, until the next `wait`. */
  rest(): void {
    this.#spend()
    this.#silentSince = undefined
    clearTimeout(this.#timer)
  }

  /** Sets the idle timeout in milliseconds. A running silence starts again without spending time. */
  allow(idleMs: number): void {
    const windowMs = Math.min(WINDOW_MS, idleMs)
    this.#credit = windowMs > this.#windowMs ? windowMs : Math.min(windowMs, this.#credit)
    this.#windowMs = windowMs
    this.#idleMs = idleMs
    if (this.#silentSince === undefined) return
    this.#silentSince = performance.now()
    this.#arm()
  }

  /** Limits the time for the rest, in milliseconds from the next wait, or from now while a wait is running. */
  within(ms: number): void {
    this.#withinMs = ms
    this.#endsAt = undefined
    if (this.#silentSince !== undefined) this.wait()
  }

  #spend(): void {
    if (this.#silentSince === undefined || this.#isEndless) return
    const silentMs = performance.now() - this.#silentSince
    this.#credit -= Math.min(silentMs, this.#windowMs / 2)
  }

  /** A client without an idle timeout has no minimum rate. */
  get #isEndless(): boolean {
    return this.#bytesPerMs === 0 || this.#idleMs === Number.POSITIVE_INFINITY
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const since = this.#silentSince ?? performance.now()
    const idleAt = since + this.#idleMs
    const slowAt =
      this.#isEndless || this.#credit > this.#windowMs / 2
        ? Number.POSITIVE_INFINITY
        : since + Math.max(0, this.#credit)
    const deadline = Math.min(idleAt, slowAt, this.#endsAt ?? Number.POSITIVE_INFINITY)
    if (deadline === Number.POSITIVE_INFINITY) return
    const reason: DisconnectReason = deadline === idleAt ? 'idle-timeout' : 'too-slow'
    this.#timer = setTimeout(this.#onLate, deadline - performance.now(), reason)
  }
}
