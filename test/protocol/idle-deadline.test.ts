import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { IdleDeadline, type Pace } from '../../container/client/idle-deadline.ts'
import type { DisconnectReason } from '../../src/contract/outcome.ts'
import { seconds } from '../harness/index.ts'

const PACE: Pace = { idleMs: seconds(90), bytesPerSecond: 1000, withinMs: seconds(3600) }

/** Runs a client that sends `bytes` every `everyMs`. Returns why and after how many seconds it times out. */
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

describe('the idle deadline of a client', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('silence ends at the timeout, and not before', () => {
    expect(letGo(PACE, { bytes: 1, everyMs: seconds(100) })).toEqual({ how: 'idle', after: 90 })
  })

  test.for([
    [1, 10, 61],
    [1, 1, 61],
    [500, 1, 121],
    [1, 40, 81],
    [1, 85, 171],
  ])('%i bytes every %i s are too slow within %i s', ([bytes = 0, every = 0, within = 0]) => {
    const end = letGo(PACE, { bytes, everyMs: seconds(every) })
    expect(end).toMatchObject({ how: 'slow' })
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

  test('a git that is silent while it compresses, and then goes on, stays connected', () => {
    const everyMs = seconds(85)
    expect(letGo(PACE, { bytes: 40_000, everyMs, forMs: seconds(1800) })).toBeUndefined()
  })

  test('at any rate the whole body has to arrive in time', () => {
    const end = letGo(PACE, { bytes: 1_000_000, everyMs: seconds(1) })
    expect(end).toEqual({ how: 'slow', after: 3600 })
  })

  test('time in which the gate’s git is slow does not count', () => {
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

  test('a client that need not send is never late, and its timeout holds again afterwards', () => {
    const late = vi.fn()
    const deadline = new IdleDeadline(PACE, late)
    deadline.within(Number.POSITIVE_INFINITY)
    deadline.allow(Number.POSITIVE_INFINITY)
    deadline.wait()
    vi.advanceTimersByTime(seconds(7200))
    expect(late).not.toHaveBeenCalled()
    deadline.allow(seconds(2))
    vi.advanceTimersByTime(seconds(2))
    expect(late).toHaveBeenCalledWith('idle')
  })
})
