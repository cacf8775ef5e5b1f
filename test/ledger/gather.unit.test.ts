import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { gathering } from '../../src/common/gather.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const noWait = () => {}

test('questions of the same moment share an answer that is younger than each of them', async () => {
  let ledger = 'before'
  const asked: (readonly string[])[] = []
  const ask = gathering(async (questions: readonly string[]) => {
    asked.push(questions)
    return ledger
  })
  const first = ask('a', noWait)
  await vi.advanceTimersByTimeAsync(4)
  const second = ask('b', noWait)
  ledger = 'after'
  await vi.advanceTimersByTimeAsync(1)
  const third = ask('c', noWait)
  await vi.advanceTimersByTimeAsync(5)
  expect(await Promise.all([first, second, third])).toEqual(['after', 'after', 'after'])
  expect(asked).toEqual([['a', 'b'], ['c']])
})

test('a question whose answer does not come is asked again by itself, and later questions do not wait', async () => {
  const asked: (readonly string[])[] = []
  const ask = gathering((questions: readonly string[]) => {
    asked.push(questions)
    return asked.length === 1 ? new Promise<never>(() => {}) : Promise.resolve(questions.length)
  })
  const both = [ask('a', noWait), ask('b', noWait)]
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await Promise.all(both)).toEqual([1, 1])
  const later = ask('c', noWait)
  await vi.advanceTimersByTimeAsync(5)
  expect(await later).toBe(1)
  expect(asked).toEqual([['a', 'b'], ['a'], ['b'], ['c']])
})

test('a failure reaches each of its questions', async () => {
  const ask = gathering(() => Promise.reject(new Error('the ledger is gone')))
  const both = Promise.allSettled([ask('a', noWait), ask('b', noWait)])
  await vi.advanceTimersByTimeAsync(5)
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})
