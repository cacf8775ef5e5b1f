import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedGate } from '../harness/index.ts'
import { openConsole, startBrowser } from './fixtures/browser.ts'
import { writeHistory } from './fixtures/history.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test('the overview charts timeouts and scan volume, with the numbers in tables', async () => {
  await using gate = await sharedGate()
  const hour = 3_600_000
  // In the middle of an hour, so that all pushes of an hour are in one slot.
  const now = Math.floor(Date.now() / hour) * hour - hour / 2
  writeHistory(gate.home, [
    { startedAt: now, scannedBytes: 3 << 20 },
    { startedAt: now - 1, scannedBytes: 1 << 19 },
    { startedAt: now - 2, outcome: 'abandoned', disconnectReason: 'idle-timeout' },
    { startedAt: now - 3, outcome: 'abandoned', disconnectReason: 'idle-timeout' },
    { startedAt: now - 4 * hour, outcome: 'abandoned', disconnectReason: 'disconnected' },
    { startedAt: now - 40 * 24 * hour },
    {
      startedAt: now - 4 * hour - 1,
      outcome: 'failed',
      disconnectReason: 'git-timeout',
      scannedBytes: 2 << 20,
    },
  ])
  await using operator = await openConsole(browser, gate)
  const { page, open, errors: wrong } = operator
  await open('/overview?range=day')
  const numbers = async (heading: string) => {
    const section = page.locator('section', { has: page.getByRole('heading', { name: heading }) }).first()
    await section.getByText('Show the numbers').click()
    const rows = await section.getByRole('row').allTextContents()
    return { drawn: await section.locator('svg g rect:not(.hover-area)').count(), rows: rows.slice(1) }
  }
  const slot = (ms: number) =>
    new Date(Math.floor(ms / hour) * hour).toISOString().slice(5, 16).replace('T', ' ')
  expect(await numbers('Ended early')).toEqual({
    drawn: 3,
    rows: [`${slot(now - 4 * hour)}000101`, `${slot(now)}200000`],
  })
  expect(await numbers('Scan volume')).toEqual({
    drawn: 2,
    rows: [`${slot(now - 4 * hour)}2 MiB`, `${slot(now)}3.5 MiB`],
  })
  await page.getByText('gitleaks scanned 5.5 MiB of 3 pushes.').waitFor()
  await open('/overview')
  await page.getByText('4 pushes lost the client or timed out.').waitFor()
  // The link of a number lists the pushes that were counted.
  await page.getByRole('link', { name: '2', exact: true }).first().click()
  await page.getByLabel('Outcome').waitFor()
  expect(await page.locator('#pushes > li').count()).toBe(2)
  await open('/overview')
  await page.getByRole('table').getByRole('link', { name: 'ada' }).click()
  await page.getByLabel('Outcome').waitFor()
  expect(await page.locator('#pushes > li').count()).toBe(6)
  expect(wrong).toEqual([])
})
