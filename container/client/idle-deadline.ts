import type { DisconnectReason } from '../../src/contract/outcome.ts'

/** How slow a client may be while the gate waits for its bytes. */
export interface Pace {
  /** The longest silence, in milliseconds. */
  readonly idleMs: number
  /** The least rate over any minute, or over `idleMs` where that is shorter, in bytes per second; absent: none. */
  readonly bytesPerSecond?: number
  /** All of it has to be there within this time from the first wait, in milliseconds; absent: no limit. */
  readonly withinMs?: number
}

/** A request's head, or the first packet of `git://`, has to be there within this, in milliseconds. */
export const REQUEST_HEAD_MS = 15_000

/**
 * TCP keepalives find a peer that is gone without a word: the first probe after this silence, in milliseconds, then ten
 * more, a second apart (libuv's uv_tcp_keepalive).
 */
export const KEEPALIVE_PROBE_MS = 5_000

const WINDOW_MS = 60_000

/**
 * The deadline of a wait for a client: a silence, a least rate, and a total. Only time in which the gate waits counts
 * against the rate, so a client is not charged for a git that is slow to take its bytes.
 *
 * Bytes earn time and waiting spends it. One silence spends at most half a window: a git that compresses one large
 * file is as silent as a git that has stopped, and `idleMs` bounds that. A client that sends a byte now and then runs
 * out within one window.
 */
export class IdleDeadline {
  readonly #onLate: (how: DisconnectReason) => void
  readonly #bytesPerMs: number
  #windowMs: number
  #idleMs: number
  #withinMs: number
  #credit: number
  #endsAt: number | undefined
  /** When the current silence began; undefined while nothing is waited for. */
  #silentSince: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(pace: Pace, onLate: (how: DisconnectReason) => void) {
    this.#onLate = onLate
    this.#idleMs = pace.idleMs
    this.#withinMs = pace.withinMs ?? Number.POSITIVE_INFINITY
    this.#bytesPerMs = (pace.bytesPerSecond ?? 0) / 1000
    this.#windowMs = Math.min(WINDOW_MS, pace.idleMs)
    this.#credit = this.#windowMs
  }

  /** The client is waited for from now on. */
  wait(): void {
    const now = performance.now()
    this.#endsAt ??= now + this.#withinMs
    this.#silentSince ??= now
    this.#arm()
  }

  /** Bytes have come; the wait goes on if there was one. */
  received(bytes: number): void {
    this.#spend()
    if (this.#bytesPerMs > 0) this.#credit = Math.min(this.#windowMs, this.#credit + bytes / this.#bytesPerMs)
    if (this.#silentSince === undefined) return
    this.#silentSince = performance.now()
    this.#arm()
  }

  /** Nothing is waited for any more, until the next `wait`. */
  rest(): void {
    this.#spend()
    this.#silentSince = undefined
    clearTimeout(this.#timer)
  }

  /** From now on the client may be silent for so long, in milliseconds; a silence that goes on begins anew, unpaid. */
  allow(idleMs: number): void {
    const windowMs = Math.min(WINDOW_MS, idleMs)
    this.#credit = windowMs > this.#windowMs ? windowMs : Math.min(windowMs, this.#credit)
    this.#windowMs = windowMs
    this.#idleMs = idleMs
    if (this.#silentSince === undefined) return
    this.#silentSince = performance.now()
    this.#arm()
  }

  /** The rest has to be there within this time from the next wait, or from now while one goes on, in milliseconds. */
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

  /** While a client need not send anything, it cannot be too slow either. */
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
    const at = Math.min(idleAt, slowAt, this.#endsAt ?? Number.POSITIVE_INFINITY)
    if (at === Number.POSITIVE_INFINITY) return
    const how: DisconnectReason = at === idleAt ? 'idle' : 'slow'
    this.#timer = setTimeout(this.#onLate, at - performance.now(), how)
  }
}
