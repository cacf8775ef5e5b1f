import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedGate } from '../../harness/index.ts'
import { openConsole, startBrowser, untilLoaded } from '../fixtures/browser.ts'
import { randomObjectId, writeHistory } from '../fixtures/history.ts'
import { longHistory } from '../fixtures/long-history.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test('a search finds pushes by part of a name, an object id, a path or a rule, and reads 10,000 pushes for a page', async () => {
  await using gate = await sharedGate()
  const now = Date.now()
  const id = randomObjectId()
  const ref = { ref: 'refs/heads/ada/Größe"quote', old: id, new: randomObjectId(), status: null, reason: '' }
  const finding = {
    rule: 'stripe-access-token',
    path: 'services/payment/100%_safe.json',
    line: 1,
    commit: randomObjectId(),
    fingerprint: 'f'.repeat(32),
    excerpt: '',
    asksForException: false,
  }
  const [named, leaked] = writeHistory(gate.home, [
    { startedAt: now - 1, agent: 'grace', repository: 'github.com/acme/app', refs: [ref] },
    { startedAt: now - 2, agent: 'bruno', outcome: 'refused', findings: [finding] },
  ])
  writeHistory(
    gate.home,
    longHistory(10_010).map(push => ({ ...push, startedAt: push.startedAt - 60_000 })),
  )
  const found = async (search: string) => {
    const { pushes, next } = (await gate.admin.request(
      'GET',
      `/pushes?${new URLSearchParams({ search, limit: '50' })}`,
    )) as { pushes: { id: string }[]; next: string | null }
    return { ids: pushes.map(push => push.id), next }
  }
  for (const text of ['GRA', 'HUB.com/acme/app', 'Größe"q', id.slice(3, 12), named ?? ''])
    expect([text, (await found(text)).ids]).toEqual([text, [named]])
  for (const text of ['stripe-', '100%_safe', finding.commit.slice(0, 8)])
    expect([text, (await found(text)).ids]).toEqual([text, [leaked]])
  // The names of the record's fields, and a wildcard, are text like any other.
  for (const text of ['"fingerprint"', 'asksForException', '%', '_']) {
    const { ids } = await found(text)
    expect([text, ids]).toEqual([text, text.length === 1 ? [leaked] : []])
  }
  const { ids, next } = await found('nowhere to be found')
  expect(ids).toEqual([])
  expect(next).not.toBeNull()

  await using operator = await openConsole(browser, gate, { width: 1440 })
  const { page, open } = operator
  await page.getByLabel('Search', { exact: true }).fill('com/acme/app')
  await untilLoaded(page, () => page.keyboard.press('Enter'))
  const row = page.getByRole('listitem').filter({ hasText: 'grace to github.com/acme/app' })
  await row.waitFor()
  expect(await page.locator('#pushes > li').count()).toBe(1)
  await open('/pushes?search=nowhere')
  await page.getByText('None of the newest 10,000 pushes matches.').waitFor()
  await page.getByRole('link', { name: 'Older pushes' }).waitFor({ state: 'detached' })
  expect(operator.errors).toEqual([])
})

test('a push is one line at a width of 1440 pixels, however long its names and its reason are', async () => {
  await using gate = await sharedGate()
  const reason = 'git-gate: ada may push refs/heads/ada/** only, and this is a long explanation of it'.repeat(
    3,
  )
  writeHistory(gate.home, [
    {
      startedAt: Date.now() - 3_000,
      agent: 'ada-the-dependency-updater',
      repository: 'github.com/acme/app',
      outcome: 'refused',
      refs: ['deploy-script', 'b', 'c'].map(name => ({
        ref: `refs/heads/ada/${name}-of-a-rather-long-name`,
        old: '0'.repeat(40),
        new: randomObjectId(),
        status: 'ng' as const,
        reason,
      })),
      remoteLines: [reason],
    },
  ])
  await using operator = await openConsole(browser, gate, { width: 1440 })
  const row = operator.page.getByRole('listitem').filter({ hasText: 'github.com/acme/app' })
  await row.waitFor()
  // A line of text, the padding and the border.
  expect((await row.boundingBox())?.height).toBeLessThan(45)
  expect(operator.errors).toEqual([])
})
