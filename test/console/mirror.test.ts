import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGate } from '../harness/index.ts'
import { openConsole, startBrowser } from './browser.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test("a repository's page tells how fresh and how large its mirror is, who is in it, and what went wrong", async () => {
  await using gate = await startGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  const mirror = page.getByRole('region', { name: 'Mirror' })
  const told = async () => (await mirror.textContent())?.replaceAll(/\s+/g, ' ')
  await open('/repositories/app')
  expect(await told()).toContain('Like the upstreamnot since the companion startedLast refreshnone yet')

  await ada.clone()
  await open('/repositories/app')
  expect(await told()).toMatch(
    /Like the upstreamjust now \(\d{4}-.* UTC\)Last refreshjust now in \d.*On disk\d+ (bytes|KiB)/,
  )
  expect(await told()).toMatch(/Sessions nownone/)

  await gate.upstream.stop()
  expect((await ada.tryClone()).code).not.toBe(0)
  await open('/repositories/app')
  await mirror.getByText('failed', { exact: true }).waitFor()
  expect(await told()).toMatch(/Last refreshjust now in .*: failed .*upstream/)
  expect(await told()).toContain(', and 1 that failed')
  expect(operator.wrong).toEqual([])
})
