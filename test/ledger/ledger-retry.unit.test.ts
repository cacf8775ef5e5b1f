import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isDiskFull, retrying } from '../../src/ledger/retry.ts'

test.each([
  'D1_ERROR: Network connection lost.',
  'Cannot resolve D1 DB due to transient issue on remote node.',
  'Internal error while starting up D1 DB storage caused object to be reset.',
  'D1 DB storage operation exceeded timeout which caused object to be reset.',
  'D1 DB reset because its code was updated.',
  'the statement was refused: SQLITE_BUSY',
  'the statement was refused: SQLITE_LOCKED',
  'database is locked',
])('%s: the same is asked again', async words => {
  let asked = 0
  const answer = retrying(async () => {
    asked += 1
    if (asked < 3) throw new Error(words)
    return 'answer'
  })
  expect(await answer).toBe('answer')
  expect(asked).toBe(3)
})

test('a permanent error is not retried, and a transient error only so often', async () => {
  let asked = 0
  const failing = (words: string) => () => {
    asked += 1
    return Promise.reject(new Error(words))
  }
  await expect(retrying(failing('UNIQUE constraint failed'))).rejects.toThrow('UNIQUE')
  expect(asked).toBe(1)
  const race = await Promise.race([
    retrying(failing('Network connection lost')).catch(() => 'given up'),
    delay(5_000, 'still asking', { ref: false }),
  ])
  expect(race).toBe('given up')
  expect(asked).toBeLessThan(10)
})

test.each([
  'SQLITE_FULL',
  'database or disk is full',
  'SQLITE_IOERR_WRITE',
  'write: No space left on device',
  'Exceeded maximum DB size',
])('%s: the ledger has no room', words => {
  expect(isDiskFull(new Error(`D1_ERROR: ${words}`))).toBe(true)
})

test('another error says nothing of the disk', () => {
  expect(isDiskFull(new Error('UNIQUE constraint failed'))).toBe(false)
})
