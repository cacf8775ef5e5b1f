import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pushThatWaits } from '../approval/fixtures/approvals.ts'
import { sharedGate } from '../harness/index.ts'
import { openConsole, startBrowser, untilLoaded } from './fixtures/browser.ts'
import {
  randomFingerprint,
  randomObjectId,
  writeApprovals,
  writeFetches,
  writeHistory,
  writeHostCalls,
} from './fixtures/history.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test('the page of a day has the pushes and fetches of that day only, with their counts', async () => {
  await using gate = await sharedGate()
  await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const noon = Date.parse('2026-03-10T12:00:00Z')
  writeHistory(gate.home, [
    { startedAt: noon },
    { startedAt: noon + 1, outcome: 'refused' },
    { startedAt: noon + 2, outcome: 'refused', repository: 'other' },
    { startedAt: noon - 86_400_000, outcome: 'failed' },
    { startedAt: noon, agent: 'bruno' },
  ])
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/agents/ada/day?day=2026-03-10')
  expect(await page.locator('tbody tr').allTextContents()).toEqual(['app011000', 'other001000'])
  expect(await page.locator('.pushes > li').count()).toBe(3)
  await untilLoaded(page, () => page.getByRole('link', { name: 'Previous day' }).click())
  expect(await page.locator('tbody tr').allTextContents()).toEqual(['app000100'])
  await open('/agents/ada')
  await untilLoaded(page, () => page.getByRole('link', { name: 'Today’s activity' }).click())
  await page.getByText('The agent did nothing on this day.').waitFor()
  expect(operator.errors).toEqual([])
})

test('the page of a day leads to every push, fetch and host call of the day, newest first, a page at a time', async () => {
  await using gate = await sharedGate()
  await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const noon = Date.parse('2026-03-10T12:00:00Z')
  const minutes = (count: number, step: number) =>
    Array.from({ length: count }, (_, i) => noon + i * step * 1_000)
  // A page holds 100 of all together: 70 pushes and 20 calls among more fetches, then fetches alone.
  const pushes = minutes(70, 7)
  const fetches = minutes(160, 2)
  const calls = minutes(20, 11)
  writeHistory(
    gate.home,
    pushes.map(startedAt => ({ startedAt })),
  )
  writeFetches(gate.home, 'ada', fetches)
  writeHostCalls(gate.home, 'ada', calls)
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/agents/ada/day?day=2026-03-10')
  const seen: string[] = []
  const older = page.getByRole('link', { name: 'Older activity of this day' })
  for (;;) {
    const times = await page.locator('.pushes > li time').evaluateAll(all => all.map(each => each.dateTime))
    seen.push(...times)
    if ((await older.count()) === 0) break
    expect(times).toHaveLength(100)
    await older.focus()
    await untilLoaded(page, () => page.keyboard.press('Enter'))
  }
  const all = [...pushes, ...fetches, ...calls].sort((a, b) => b - a)
  expect(seen).toEqual(all.map(at => new Date(at).toISOString()))
  await page.getByText('open a pull request').first().waitFor()
  await untilLoaded(page, () => page.getByRole('link', { name: 'Newest activity of this day' }).click())
  expect(await page.locator('.pushes > li').count()).toBe(100)
  expect(operator.errors).toEqual([])
})

test('the page of today leads to all waiting pushes of an agent with more than it shows', async () => {
  await using gate = await sharedGate()
  await gate.admin.agent('ada')
  writeApprovals(gate.home, 51)
  writeApprovals(gate.home, 1, { agent: 'bruno' })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/agents/ada/day')
  await untilLoaded(page, () =>
    page.getByRole('link', { name: 'All pushes of this agent that wait' }).click(),
  )
  await page.getByText('51 pushes wait of ada').waitFor()
  await untilLoaded(page, () => page.getByRole('link', { name: 'of all agents' }).click())
  await page.getByText('52 pushes wait').waitFor()
  expect(operator.errors).toEqual([])
})

test('the page of today has what waits for a decision, the tokens in force and the grants', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', {
    push: ['refs/heads/ada/**'],
    ask: [{ paths: ['.github/workflows/**'] }],
  })
  await gate.admin.agent('bruno')
  const waiting = await pushThatWaits(ada, 'workflow')
  const finding = () => ({
    rule: 'github-pat',
    path: 'a',
    line: 1,
    commit: randomObjectId(),
    excerpt: '',
    fingerprint: randomFingerprint(),
    asksForException: false,
  })
  const same = finding()
  const [, last] = writeHistory(gate.home, [
    { startedAt: Date.now() - 1_000, outcome: 'refused', findings: [same] },
    { startedAt: Date.now() + 1_000, outcome: 'refused', findings: [same, finding()] },
    { startedAt: Date.now(), agent: 'bruno', outcome: 'refused', findings: [finding()] },
  ])
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/agents/ada/day')
  const part = (name: string) => page.getByRole('region', { name })
  const href = (name: string) =>
    part('Waits for a decision').getByRole('link', { name, exact: true }).getAttribute('href')
  expect(await href('a push to app')).toBe(`/-/console/approvals/${waiting.id}`)
  expect(await href('2 findings in app')).toBe(`/-/console/pushes/${last}`)
  await part('Tokens in force').getByText('last used').waitFor()
  await part('Grants').getByText('refs/heads/ada/**').waitFor()
  await part('Grants').getByText('.github/workflows/**').waitFor()
  await open('/repositories/app')
  await page.getByText('waits for an approval: changes of .github/workflows/**').waitFor()
  await open('/agents/bruno/day')
  await part('Waits for a decision').getByText('1 finding in app').waitFor()
  await part('Tokens in force').getByText('None: the agent can neither fetch nor push.').waitFor()
  await part('Grants').getByText('None: the agent has no access to any repository.').waitFor()
  await untilLoaded(page, () => page.getByRole('link', { name: 'Previous day' }).click())
  expect(await part('Grants').count()).toBe(0)
  expect(operator.errors).toEqual([])
})
