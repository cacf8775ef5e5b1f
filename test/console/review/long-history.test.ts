import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedGate } from '../../harness/index.ts'
import { openConsole, startBrowser } from '../fixtures/browser.ts'
import { writeHistory } from '../fixtures/history.ts'
import { longHistory, measureLoad, scrollTo } from '../fixtures/long-history.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

/** Reads the processor time of a page's main thread, in seconds, without other work of the machine. */
async function threadClock(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN
  }
}

test('a ledger of 10,000 pushes opens within a second, stays small, and scrolls equally well at its top and far down', async () => {
  await using gate = await sharedGate()
  const ids = writeHistory(gate.home, longHistory(10_000))
  await using operator = await openConsole(browser, gate)
  const { page, open, errors: wrong } = operator
  // A routed request does not come from the browser's cache.
  await page.route('**/*', route => route.continue())
  // Several loads, because other work on the machine adds time.
  await expect
    .poll(async () => {
      await open('/pushes')
      const { shownMs, bytes } = await measureLoad(page)
      return bytes < 150_000 ? shownMs : `${bytes} bytes`
    })
    .toBeLessThan(1_000)

  await page.unroute('**/*')
  await open('/pushes')
  const clock = await threadClock(page)
  const before = await clock()
  await scrollTo(page, 400)
  const top = (await clock()) - before
  const { frames } = await scrollTo(page, 750)
  const further = (await clock()) - before - top
  expect(further).toBeLessThan(3 * top)
  // Processor time, because other work on the machine delays frames.
  expect((further * 1000) / frames.length).toBeLessThan(50)

  const shown = await page.evaluate(`[...document.querySelectorAll('.pushes > li')].map(each => each.id)`)
  const inOrder = ids.toSorted().reverse()
  expect(shown).toEqual(inOrder.slice(0, (shown as string[]).length).map(id => `push-${id}`))
  expect(wrong).toEqual([])
})
