import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedGate } from '../harness/index.ts'
import { openConsole, startBrowser, untilLoaded } from './fixtures/browser.ts'
import { writeHistory } from './fixtures/history.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test('keys step through the list, open sections and the help, and can be turned off', async () => {
  await using gate = await sharedGate()
  writeHistory(
    gate.home,
    [3, 2, 1].map(ago => ({ startedAt: Date.now() - ago * 60_000, agent: `agent-${ago}` })),
  )
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await page.waitForLoadState()
  const focused = () => page.evaluate('document.activeElement.textContent')
  await page.keyboard.press('j')
  expect(await focused()).toBe('agent-1 to app')
  await page.keyboard.press('j')
  expect(await focused()).toBe('agent-2 to app')
  await page.keyboard.press('k')
  expect(await focused()).toBe('agent-1 to app')

  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
  await page.keyboard.press('?')
  await help.waitFor()
  await page.keyboard.press('Escape')
  await help.waitFor({ state: 'hidden' })

  await page.keyboard.press('g')
  await untilLoaded(page, () => page.keyboard.press('a'))
  expect(page.url()).toContain('/agents')

  // Letters in a field are text.
  await open('/pushes')
  await page.getByLabel('Agent').focus()
  await page.keyboard.type('?j')
  expect(await page.getByLabel('Agent').inputValue()).toBe('?j')
  expect(await help.isVisible()).toBe(false)

  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()
  await help.getByLabel('Use the shortcuts of one letter').uncheck()
  await help.getByRole('button', { name: 'Close' }).click()
  await open('/pushes')
  await page.keyboard.press('?')
  expect(await help.isVisible()).toBe(false)
  expect(operator.errors).toEqual([])
})
