import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { IdleDeadline, type Pace } from '../../container/client/idle-deadline.ts'
import type { DisconnectReason } from '../../src/contract/outcome.ts'
import { seconds } from '../harness/index.ts'

const PACE: Pace = { idleMs: seconds(90), bytesPerSecond: 1000, withinMs: seconds(3600) }

/** A client that sends `bytes` after each pause of `everyMs`: why, and after how many seconds, it is let go. */
function letGo(
  pace: Pace,
  { bytes, everyMs, forMs = seconds(7200) }: { bytes: number; everyMs: number; forMs?: number },
): { how: DisconnectReason; after: number } | undefined {
  let end: { how: DisconnectReason; after: number } | undefined
  const startedAt = performance.now()
  const deadline = new IdleDeadline(pace, how => {
    end ??= { how, after: (performance.now() - startedAt) / 1000 }
  })
  deadline.wait()
  for (let spent = 0; spent < forMs && !end; spent += everyMs) {
    vi.advanceTimersByTime(everyMs)
    if (!end) deadline.received(bytes)
  }
  deadline.rest()
  return end
}

describe('the deadline of a client that is waited for', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('silence is let go at its bound, and not before', () => {
    expect(letGo(PACE, { bytes: 1, everyMs: seconds(100) })).toEqual({ how: 'idle-timeout', after: 90 })
  })

  test.for([
    [1, 10, 61],
    [1, 1, 61],
    [500, 1, 121],
    [1, 40, 81],
    [1, 85, 171],
  ])('%i bytes every %i s are let go as too slow within %i s', ([bytes = 0, every = 0, within = 0]) => {
    const end = letGo(PACE, { bytes, everyMs: seconds(every) })
    expect(end).toMatchObject({ how: 'too-slow' })
    expect(end?.after).toBeLessThanOrEqual(within)
  })

  test.for([
    [1_200, 1],
    [12_000, 10],
    [64_000, 60],
  ])('%i bytes every %i s are fast enough', ([bytes = 0, every = 0]) => {
    const forMs = seconds(1800)
    expect(letGo(PACE, { bytes, everyMs: seconds(every), forMs })).toBeUndefined()
  })

  test('a burst buys no more than one window for what comes after it', () => {
    const late = vi.fn()
    const deadline = new IdleDeadline(PACE, late)
    deadline.wait()
    deadline.received(1 << 30)
    for (let spent = 0; spent < 70 && late.mock.calls.length === 0; spent += 10) {
      vi.advanceTimersByTime(seconds(10))
      deadline.received(1)
    }
    expect(late).toHaveBeenCalledWith('too-slow')
    deadline.rest()
  })

  test('a git that is silent while it compresses, and then sends on, is kept', () => {
    const everyMs = seconds(85)
    expect(letGo(PACE, { bytes: 40_000, everyMs, forMs: seconds(1800) })).toBeUndefined()
  })

  test('however fast it is, all of it has to be there in time', () => {
    const end = letGo(PACE, { bytes: 1_000_000, everyMs: seconds(1) })
    expect(end).toEqual({ how: 'too-slow', after: 3600 })
  })

  test('a wait that stands still because git does is not the client’s', () => {
    const late = vi.fn()
    const deadline = new IdleDeadline(PACE, late)
    for (let minute = 0; minute < 30; minute++) {
      deadline.wait()
      vi.advanceTimersByTime(seconds(1))
      deadline.received(4_000)
      deadline.rest()
      vi.advanceTimersByTime(seconds(59))
    }
    expect(late).not.toHaveBeenCalled()
  })

  test('a rest is no silence, and does not put off the total', () => {
    const late = vi.fn()
    const deadline = new IdleDeadline(PACE, late)
    for (let minute = 0; minute < 56; minute++) {
      deadline.wait()
      vi.advanceTimersByTime(seconds(1))
      deadline.received(100_000)
      deadline.rest()
      vi.advanceTimersByTime(seconds(59))
      if (minute === 30) vi.advanceTimersByTime(seconds(200))
    }
    vi.advanceTimersByTime(seconds(100))
    expect(late).not.toHaveBeenCalled()
    deadline.wait()
    vi.advanceTimersByTime(1)
    expect(late).toHaveBeenCalledWith('too-slow')
  })

  test('a slow client that need not send anything any more is not late for what it was before', () => {
    const late = vi.fn()
    const deadline = new IdleDeadline({ idleMs: seconds(90), bytesPerSecond: 1000 }, late)
    deadline.wait()
    for (let spent = 0; spent < 50; spent += 10) {
      vi.advanceTimersByTime(seconds(10))
      deadline.received(1)
    }
    deadline.allow(Number.POSITIVE_INFINITY)
    vi.advanceTimersByTime(seconds(7200))
    expect(late).not.toHaveBeenCalled()
    deadline.rest()
  })

  test('a new total stands in the place of the old one, also while the client is waited for', () => {
    const late = vi.fn()
    const deadline = new IdleDeadline({ idleMs: seconds(90), withinMs: seconds(10) }, late)
    deadline.wait()
    vi.advanceTimersByTime(seconds(9))
    deadline.within(seconds(20))
    vi.advanceTimersByTime(seconds(19))
    expect(late).not.toHaveBeenCalled()
    vi.advanceTimersByTime(seconds(1))
    expect(late).toHaveBeenCalledWith('too-slow')
  })

  test('a shorter silence that is allowed earns nothing, and a longer one a whole window', () => {
    const late = vi.fn()
    const deadline = new IdleDeadline(PACE, late)
    deadline.wait()
    for (let spent = 0; spent < 50; spent += 10) {
      vi.advanceTimersByTime(seconds(10))
      deadline.received(1)
    }
    deadline.allow(seconds(60))
    vi.advanceTimersByTime(seconds(11))
    expect(late).toHaveBeenCalledWith('too-slow')
    const other = vi.fn()
    const longer = new IdleDeadline({ ...PACE, idleMs: seconds(20) }, other)
    longer.wait()
    vi.advanceTimersByTime(seconds(19))
    longer.allow(seconds(50))
    vi.advanceTimersByTime(seconds(49))
    expect(other).not.toHaveBeenCalled()
    longer.rest()
  })

  test('a client that need not send anything is never late, and is watched again afterwards', () => {
    const late = vi.fn()
    const deadline = new IdleDeadline(PACE, late)
    deadline.within(Number.POSITIVE_INFINITY)
    deadline.allow(Number.POSITIVE_INFINITY)
    deadline.wait()
    vi.advanceTimersByTime(seconds(7200))
    expect(late).not.toHaveBeenCalled()
    deadline.allow(seconds(2))
    vi.advanceTimersByTime(seconds(2))
    expect(late).toHaveBeenCalledWith('idle-timeout')
  })
})
