import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { pushInParts } from '../../container/checks/remedy/push-in-parts.ts'
import { ScanDeadline } from '../../container/checks/secrets/scan/scan-deadline.ts'
import { ObjectId, RefName } from '../../src/contract/names.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})
const SECOND = 1_000

test('a scan without progress ends after the silence', () => {
  using deadline = new ScanDeadline(10 * SECOND)
  vi.advanceTimersByTime(9 * SECOND)
  expect(deadline.signal.aborted).toBe(false)
  vi.advanceTimersByTime(2 * SECOND)
  expect([deadline.signal.aborted, deadline.ended]).toEqual([true, 'silent'])
})

test('a scan that gets on goes on, for as long as its size takes at the least rate', () => {
  using deadline = new ScanDeadline(10 * SECOND)
  deadline.addBytes(10_000_000)
  for (let second = 0; second < 105; second += 5) {
    vi.advanceTimersByTime(5 * SECOND)
    deadline.progress()
    expect(deadline.ended).toBeUndefined()
  }
  vi.advanceTimersByTime(9 * SECOND)
  deadline.progress()
  expect([deadline.signal.aborted, deadline.ended]).toEqual([true, 'slow'])
})

const id = (digit: number) => ObjectId.parse(String(digit).repeat(40))
const command = (ref: string, tip: number) => ({ ref: RefName.parse(ref), old: id(0), new: id(tip) })
/** Four commits in a row, each on the one before. */
const commits = new Map([1, 2, 3, 4].map(digit => [id(digit) as string, digit === 1 ? [] : [id(digit - 1)]]))

test('a push that is too large is told the command for its older half', () => {
  expect(pushInParts([command('refs/heads/ada/work', 4)], commits)).toContain(
    `  git push origin ${id(2)}:refs/heads/ada/work`,
  )
})

test('a push of one commit or of a tag cannot be halved', () => {
  const advice = ['Push fewer files at once: split the commit.']
  expect(pushInParts([command('refs/heads/ada/work', 1)], commits)).toEqual(advice)
  expect(pushInParts([command('refs/tags/v1', 4)], commits)).toEqual(advice)
})
