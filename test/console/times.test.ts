import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { duration, relativeTime } from '../../src/console/components/format-time.ts'
import { startAdminGate } from '../api/fixtures/admin-gate.ts'
import { openConsole, startBrowser } from './fixtures/browser.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

test('the gate and an open page format relative times equally', async () => {
  const now = Date.now()
  const said = (ms: number) => relativeTime(now + ms, now)
  expect([-1, -MINUTE, -119 * SECOND, -2 * HOUR, -25 * HOUR].map(said)).toEqual([
    'just now',
    '1 minute ago',
    '1 minute ago',
    '2 hours ago',
    '1 day ago',
  ])
  expect([SECOND, 90 * SECOND, 13 * HOUR, 47 * HOUR, 30 * DAY].map(said)).toEqual([
    'in less than a minute',
    'in 1 minute',
    'in 13 hours',
    'in 1 day',
    'in 30 days',
  ])

  await using gate = await startAdminGate()
  await using operator = await openConsole(browser, gate)
  const { page } = operator
  await page.clock.install({ time: now })
  await operator.open('/agents')
  await page.clock.pauseAt(now + MINUTE)
  const times = [-400 * DAY, -DAY, -HOUR, -MINUTE, -SECOND, 0, SECOND, MINUTE, HOUR, 13 * HOUR, DAY, 90 * DAY]
    .flatMap(offset => [offset - SECOND, offset, offset + SECOND])
    .map(offset => now + offset)
  await page.evaluate(`document.body.append(...${JSON.stringify(times)}.map(ms => {
    const time = document.createElement('time')
    time.dateTime = new Date(ms).toISOString()
    time.dataset.relative = ''
    return time
  }))`)
  await page.clock.runFor(15 * SECOND)
  const shown = await page.locator('time').allTextContents()
  const then = Number(await page.evaluate('Date.now()'))
  expect(shown).toEqual(times.map(ms => relativeTime(ms, then)))
})

test('a duration never has 60 seconds', () => {
  expect([999, 1_000, 59_940, 59_960, 60_000, 119_400, 119_700].map(duration)).toEqual([
    '999 ms',
    '1.0 s',
    '59.9 s',
    '1 min 0 s',
    '1 min 0 s',
    '1 min 59 s',
    '2 min 0 s',
  ])
})
