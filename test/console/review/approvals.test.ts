import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApprovalPage } from '../../../src/contract/admin-api/approvals.ts'
import { sharedGate } from '../../harness/index.ts'
import { openConsole, startBrowser, untilLoaded } from '../fixtures/browser.ts'
import { writeApprovals } from '../fixtures/history.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

/** Reads the ids of a list from its links, page by page, with the keyboard alone. */
async function readAll(page: Page, list: string, older: string): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const links = await page.locator(`${list} .push-link a`).all()
    for (const link of links) ids.push((await link.getAttribute('href'))?.split('/').at(-1) ?? '')
    const link = page.getByRole('link', { name: older })
    if ((await link.count()) === 0) return ids
    await link.focus()
    await untilLoaded(page, () => page.keyboard.press('Enter'))
  }
}

test('the approvals are paged: every push that waits, and every decided push, newest first', async () => {
  await using gate = await sharedGate()
  const refs = Array.from({ length: 7 }, (_, i) => ({
    ref: `refs/heads/ada/${i}`,
    old: '0'.repeat(40),
    new: 'a'.repeat(40),
    status: null,
    reason: '',
  }))
  const waiting = writeApprovals(gate.home, 100, { refs }).reverse()
  const decided = writeApprovals(gate.home, 51, { state: 'rejected' }).reverse()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/approvals')
  await page.getByText('100 pushes wait').waitFor()
  await page.getByText('and 2 more refs').first().waitFor()
  const [first, second] = waiting.map(id => `/-/console/approvals/${id}`)
  const focused = () => page.evaluate('document.activeElement.getAttribute("href")')
  await page.keyboard.press('j')
  expect(await focused()).toBe(first)
  await page.keyboard.press('j')
  expect(await focused()).toBe(second)
  const isUndecided = '.approvals:not(section[aria-labelledby=decided] *)'
  expect(await readAll(page, isUndecided, 'Older waiting pushes')).toEqual(waiting)
  expect(await readAll(page, 'section[aria-labelledby=decided]', 'Older decided pushes')).toEqual(decided)
  await untilLoaded(page, () => page.getByRole('link', { name: 'Newest decided pushes' }).click())
  expect(await page.locator('section[aria-labelledby=decided] .push-link').count()).toBe(50)
  expect(operator.errors).toEqual([])

  const list = async (cursor: string) =>
    ApprovalPage.parse(await gate.admin.request('GET', `/approvals?state=waiting${cursor}`))
  const newest = await list('')
  const oldest = await list(`&cursor=${newest.next}`)
  expect([...newest.approvals, ...oldest.approvals].map(({ id }) => id)).toEqual(waiting)
  expect(oldest.next).toBeNull()
})
