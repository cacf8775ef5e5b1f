import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedGate } from '../harness/index.ts'
import { openConsole, startBrowser } from './fixtures/browser.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test('the page of a repository shows the freshness and size of its mirror, its sessions, and the last error', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  const mirror = page.getByRole('region', { name: 'Mirror' })
  /** Returns the text of a fact about the mirror. */
  const fact = async (name: string) => {
    const group = mirror.locator('div', { has: page.locator('dt', { hasText: name }) })
    return (await group.getByRole('definition').textContent())?.replaceAll(/\s+/g, ' ').trim()
  }
  await open('/repositories/app')
  expect(await fact('Up to date as of')).toBe('not since the companion started')
  expect(await fact('Last refresh')).toBe('none yet')

  await ada.clone()
  await open('/repositories/app')
  expect(await fact('Up to date as of')).toMatch(/^just now \(\d{4}-.* UTC\)$/)
  expect(await fact('Last refresh')).toMatch(/^just now in \d+/)
  expect(await fact('On disk')).toMatch(/^[\d.]+ (bytes|KiB)$/)
  expect(await fact('Sessions in progress')).toBe('none')

  await gate.upstream.stop()
  expect((await ada.tryClone()).code).not.toBe(0)
  await open('/repositories/app')
  expect(await fact('Last refresh')).toMatch(/^just now in .*: failed .*upstream/)
  expect(await fact('Refreshes')).toMatch(/^\d+, and 1 failed since the companion started$/)
  expect(operator.errors).toEqual([])
})
