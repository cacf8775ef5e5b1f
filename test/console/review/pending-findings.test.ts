import type { Browser, Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedGate } from '../../harness/index.ts'
import { openConsole, startBrowser, untilLoaded } from '../fixtures/browser.ts'
import {
  type PastPush,
  randomFingerprint,
  randomObjectId,
  writeExceptions,
  writeHistory,
} from '../fixtures/history.ts'
import { tabTo } from '../fixtures/keyboard.ts'
import { measureLoad } from '../fixtures/long-history.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

const findingIn = (
  path: string,
  overrides: { fingerprint?: string; excerpt?: string; asksForException?: boolean } = {},
) => ({
  rule: 'generic-api-key',
  path,
  line: 12,
  commit: randomObjectId(),
  fingerprint: randomFingerprint(),
  excerpt: 'key = [redacted]',
  asksForException: false,
  ...overrides,
})

/** Refused pushes, newest first, each with one finding; every seventh requests an exception. */
const refusedPushes = (count: number): PastPush[] =>
  Array.from({ length: count }, (_, i) => ({
    startedAt: Date.now() - (i + 1) * 60_000,
    outcome: 'refused',
    findings: [
      findingIn(`services/payment/configuration/production-${i}.json`, {
        excerpt: `  "stripe_secret_key": "[redacted]", "region": "eu-central-1", "number": ${i}`,
        asksForException: i % 7 === 6,
      }),
    ],
  }))

test('a pending finding is shown as in the last push that it refused', async () => {
  await using gate = await sharedGate()
  const fingerprints = Array.from({ length: 4 }, randomFingerprint)
  const minutes = (ago: number) => Date.now() - ago * 60_000
  // In every combination of which push requests an exception and which the ledger has first.
  const pushes = fingerprints.map((fingerprint, i) => {
    const first = {
      agent: `early-${i}`,
      excerpt: `early ${i}`,
      asks: i % 2 === 0,
      startedAt: minutes(20 + i),
    }
    const last = { agent: `late-${i}`, excerpt: `late ${i}`, asks: i % 2 === 1, startedAt: minutes(10 + i) }
    return (i < 2 ? [first, last] : [last, first]).map(
      ({ agent, excerpt, asks, startedAt }): PastPush => ({
        agent,
        startedAt,
        outcome: 'refused',
        findings: [findingIn(`${agent}.json`, { fingerprint, excerpt, asksForException: asks })],
      }),
    )
  })
  const ids = new Map(
    pushes.flat().map(push => {
      const [id = ''] = writeHistory(gate.home, [push])
      return [push.agent, id]
    }),
  )
  writeHistory(gate.home, [
    { startedAt: minutes(5), agent: 'calm', outcome: 'refused', findings: [findingIn('calm.json')] },
  ])
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/pending')
  const cards = page.locator('.selection section')
  // Findings with a requested exception come first.
  expect(await cards.locator('.push-link a').allTextContents()).toEqual([
    ...fingerprints.map((_, i) => `late-${i} to app`),
    'calm to app',
  ])
  for (const i of fingerprints.keys()) {
    const card = cards.nth(i)
    expect(await card.locator('.push-link a').getAttribute('href')).toBe(
      `/-/console/pushes/${ids.get(`late-${i}`)}`,
    )
    await card.getByText(`late ${i}`, { exact: true }).waitFor()
    await card.getByText(`late-${i}.json:12`).waitFor()
    await card.getByText(`refused 2 times, last ${10 + i} minutes ago`).waitFor()
  }
  expect(operator.errors).toEqual([])
})

test('200 pending findings come in pages of less than 150 kB, which the keyboard can step through', async () => {
  await using gate = await sharedGate()
  writeHistory(gate.home, refusedPushes(200))
  writeExceptions(gate.home, 150, i => `a made-up value in test number ${i}, as its author says`)
  for (let i = 0; i < 60; i++)
    await gate.admin.request('POST', '/declines', {
      repository: 'app',
      fingerprint: randomFingerprint(),
      reason: `rotate it, please (${i})`,
    })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  // A routed request does not come from the browser's cache.
  await page.route('**/*', route => route.continue())
  const seen: string[] = []
  await open('/pending')
  await page.getByText('200 findings in the last 30 days').waitFor()
  for (;;) {
    expect((await measureLoad(page)).bytes).toBeLessThan(150_000)
    const here = await page.locator('.findings-table .location bdi').allTextContents()
    expect(here.length).toBeGreaterThan(10)
    seen.push(...here)
    if ((await page.getByRole('link', { name: 'Next findings' }).count()) === 0) break
    await page.locator('.decide button').last().focus()
    await tabTo(page, 'Next findings')
    await untilLoaded(page, () => page.keyboard.press('Enter'))
  }
  const all = refusedPushes(200).flatMap(({ findings = [] }) => findings)
  expect(seen).toEqual(
    [...all.filter(each => each.asksForException), ...all.filter(each => !each.asksForException)].map(
      ({ path }) => `${path}:12`,
    ),
  )
  expect(operator.errors).toEqual([])

  // A decision on a later page returns to that page, and loses no finding.
  await open('/pending')
  const locations = page.locator('.findings-table .location bdi')
  await untilLoaded(page, () => page.getByRole('link', { name: 'Next findings' }).click())
  const [first, second] = await locations.allTextContents()
  expect(first).not.toBe(second)
  await page.locator('.findings-table .entry').first().check()
  await untilLoaded(page, () => page.getByRole('button', { name: /^Decline/ }).click())
  expect(await locations.first().textContent()).toBe(second)
  await page.getByRole('link', { name: 'Back to the first page' }).click()
  await page.getByText('199 findings in the last 30 days').waitFor()
  for (const nowhere of ['x', '1.zzz.', '0.0.x', '9.a.b', '%00'])
    expect((await operator.content(`/pending?after=${nowhere}`)).status()).toBe(200)
})

test('the page shows the newest decisions in effect, and the number of the others', async () => {
  await using gate = await sharedGate()
  writeExceptions(gate.home, 30, i => `reason ${i};`)
  for (let i = 29; i >= 0; i--)
    await gate.admin.request('POST', '/declines', {
      repository: 'app',
      fingerprint: randomFingerprint(),
      reason: `word ${i};`,
    })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/pending')
  const exceptions = page.getByRole('region', { name: 'Active exceptions' })
  await exceptions.getByText('reason 0;').waitFor()
  const shown = await exceptions.getByRole('listitem').count()
  expect(shown).toBeLessThan(30)
  await exceptions.getByText(`${30 - shown} more`).waitFor()
  await exceptions.getByText('git gate exception list').waitFor()

  const declined = page.getByRole('region', { name: 'Declined' })
  const words: string[] = []
  for (;;) {
    words.push(...(await declined.getByText(/^word/).allTextContents()))
    if ((await declined.getByRole('link', { name: 'Older declined findings' }).count()) === 0) break
    await untilLoaded(page, () => declined.getByRole('link', { name: 'Older declined findings' }).click())
  }
  expect(words).toEqual(Array.from({ length: 30 }, (_, i) => `word ${i};`))
  expect(operator.errors).toEqual([])
})

test('a rejected decision keeps the input, on the page of the form', async () => {
  await using gate = await sharedGate()
  const ids = writeHistory(gate.home, refusedPushes(60))
  writeExceptions(gate.home, 500, () => 'a made-up value')
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  const reason = 'a value of the vendor’s own documentation'
  const allow = async (form: Locator) => {
    await form.getByLabel('Reason').fill(reason)
    await form.getByLabel('Expires after').selectOption('week')
    const answer = page.waitForResponse(response => response.request().method() === 'POST')
    await untilLoaded(page, () => form.getByRole('button', { name: 'Allow' }).click())
    expect((await answer).status()).toBe(409)
    await form.getByRole('alert').getByText('app may have at most 500 active exceptions').waitFor()
    expect(await form.getByLabel('Reason').inputValue()).toBe(reason)
    expect(await form.getByLabel('Expires after').inputValue()).toBe('week')
    expect(await page.getByRole('alert').count()).toBe(1)
    await expect.poll(() => page.evaluate('document.activeElement.value')).toBe(reason)
  }
  await open('/pending')
  await untilLoaded(page, () => page.getByRole('link', { name: 'Next findings' }).click())
  const row = page.locator('.findings-table tbody tr', { hasText: 'production-58.json' })
  await row.getByRole('checkbox').check()
  await allow(page.locator('.selection'))
  // Submitted again from the response, it is rejected again on the same page.
  await allow(page.locator('.selection'))
  expect(await row.getByRole('checkbox').isChecked()).toBe(true)
  expect(await page.locator('.findings-table :checked').count()).toBe(1)

  await open(`/pushes/${ids[58]}`)
  const card = page.locator('.cards > li', { hasText: 'production-58.json' })
  await allow(card)
  await page.getByRole('heading', { name: 'ada to app' }).waitFor()
  await gate.admin.request('DELETE', '/exceptions/exception-0')
  await card.getByRole('button', { name: 'Allow' }).click()
  await page.getByText('allowed', { exact: true }).waitFor()
  expect(new URL(page.url()).pathname).toBe(`/-/console/pushes/${ids[58]}`)
  expect(await gate.admin.request('GET', '/exceptions?repository=app')).toMatchObject([
    { reason },
    ...Array(500).fill({}),
  ])
  expect(operator.errors).toEqual([])
})

test('one decision with one reason covers the selected findings, by push, rule or file, also with the keyboard', async () => {
  await using gate = await sharedGate()
  const finding = (path: string, rule: string) => ({ ...findingIn(path), rule })
  writeHistory(gate.home, [
    {
      startedAt: Date.now() - 60_000,
      outcome: 'refused',
      findings: [
        { ...finding('a.json', 'aws-key'), subject: 'Add the keys', before: ['{'], after: ['}'] },
        finding('b.json', 'aws-key'),
        { ...finding('b.json', 'generic-api-key'), alsoAt: ['c.json:3'] },
      ],
    },
    {
      startedAt: Date.now() - 120_000,
      outcome: 'refused',
      findings: [finding('d.json', 'generic-api-key')],
    },
  ])
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  const groups = page.locator('.selection section')
  await open('/pending')
  expect(await groups.count()).toBe(2)
  await groups.first().getByText('Add the keys').waitFor()
  await groups.first().getByText('also at c.json:3').waitFor()
  const row = groups.first().getByRole('row', { name: /a\.json:12/ })
  expect(await row.locator('.excerpt span').allTextContents()).toEqual(['{\n', 'key = [redacted]\n', '}\n'])

  await untilLoaded(page, () => page.getByRole('button', { name: 'Allow' }).click())
  await page.getByRole('alert').getByText('no finding is selected').waitFor()

  await untilLoaded(page, () => page.getByRole('link', { name: 'By file' }).click())
  expect(await groups.getByRole('heading').allTextContents()).toEqual(
    ['a', 'b', 'd'].map(name => `${name}.json in app`),
  )
  await untilLoaded(page, () => page.getByRole('link', { name: 'By rule' }).click())
  expect(await groups.getByRole('heading').allTextContents()).toEqual(['aws-key', 'generic-api-key'])
  await groups.first().getByLabel('Select all').check()
  await page.getByText('2 findings are selected.').waitFor()
  // Of the second group, one finding is selected with the keyboard.
  await groups.first().getByRole('checkbox').last().focus()
  await page.keyboard.press('j')
  await page.keyboard.press('x')
  await page.getByText('3 findings are selected.').waitFor()
  await page.getByLabel('Reason').fill('values of the tests')
  await untilLoaded(page, () => page.getByRole('button', { name: 'Allow' }).click())
  expect(new URL(page.url()).search).toBe('?order=rule')
  await page.getByText('1 finding in the last 30 days').waitFor()
  const { entries } = (await gate.admin.request('GET', '/audit-log?limit=1')) as { entries: unknown[] }
  expect(entries).toMatchObject([{ action: 'exception.add-many', detail: { reason: 'values of the tests' } }])
  expect(await gate.admin.request('GET', '/exceptions?repository=app')).toHaveLength(3)
  expect(operator.errors).toEqual([])
})
