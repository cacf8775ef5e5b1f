import { expect, test } from 'vitest'
import { createMemoryBudget, readMemory } from '../../../container/process/memory-budget.ts'

const GIB = 2 ** 30
const never = new AbortController().signal

test('sessions begin while there is memory for another at its limit, else wait in turn', async () => {
  let available = 2 * GIB
  const budget = createMemoryBudget(GIB, () => ({ total: 8 * GIB, available }))
  const ends = [await budget.enter(never), await budget.enter(never)]
  available = GIB / 2
  const order: string[] = []
  const enter = (name: string) =>
    budget
      .enter(never, () => order.push(`${name} waits`))
      .then(end => {
        order.push(`${name} begins`)
        return end
      })
  const [first, second] = [enter('first'), enter('second')]
  expect(order).toEqual(['first waits', 'second waits'])
  available = 8 * GIB
  ends[0]?.()
  await Promise.all([first, second])
  expect(order.slice(2)).toEqual(['first begins', 'second begins'])
})

test('one session always runs, however little memory there is', async () => {
  const budget = createMemoryBudget(GIB, () => ({ total: GIB, available: 0 }))
  const end = await budget.enter(never)
  const second = budget.enter(never)
  end()
  await second
})

test('simultaneous sessions are counted before they use memory', async () => {
  const budget = createMemoryBudget(GIB, () => ({ total: 8 * GIB, available: 2 * GIB }))
  let waiting = 0
  for (let i = 0; i < 40; i++) budget.enter(never, () => (waiting += 1))
  expect(waiting).toBeGreaterThan(15)
})

test('a client that disconnects loses its turn', async () => {
  const budget = createMemoryBudget(GIB, () => ({ total: GIB, available: 0 }))
  const end = await budget.enter(never)
  const gone = new AbortController()
  const left = budget.enter(gone.signal)
  gone.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  const next = budget.enter(never)
  end()
  await next
})

test('the memory of this machine can be read', () => {
  const { total, available } = readMemory()
  expect(total).toBeGreaterThan(64 << 20)
  expect(available).toBeLessThanOrEqual(total)
})
