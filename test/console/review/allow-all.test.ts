import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accepted, rejected, sharedGate } from '../../harness/index.ts'
import { openConsole, startBrowser, untilLoaded } from '../fixtures/browser.ts'
import { fakeGithubToken } from '../fixtures/sample-data.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test('all findings of a first import are allowed with one reason and without expiry; new findings are refused', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  const secrets = Array.from({ length: 3 }, fakeGithubToken)
  for (const [i, secret] of secrets.entries())
    await work.commit(`Change ${i}`, { [`old/${i}.ts`]: `export const token = '${secret}'\n` })
  expect(await work.push('HEAD:refs/heads/ada/import')).toMatchObject(rejected)

  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/pending')
  await untilLoaded(page, () => page.getByRole('link', { name: 'Allow all of this push' }).click())
  const reason = page.getByLabel('Reason', { exact: true }).first()
  await page.getByText('Allow all 3 findings of this push').waitFor()
  expect(await reason.isVisible(), 'the link opens the form').toBe(true)
  await reason.fill(' ')
  await untilLoaded(page, () => page.getByRole('button', { name: 'Allow 3 findings' }).click())
  await page.getByRole('alert').waitFor()
  expect(await gate.admin.request('GET', '/exceptions')).toEqual([])
  await reason.fill('the history before the gate')
  await untilLoaded(page, () => page.getByRole('button', { name: 'Allow 3 findings' }).click())
  expect(await page.getByText('allowed', { exact: true }).count()).toBe(3)
  expect(await page.getByText('findings of this push').count()).toBe(0)
  const granted = { reason: 'the history before the gate', until: null, grantedBy: 'first admin token' }
  expect(await gate.admin.request('GET', '/exceptions')).toMatchObject([granted, granted, granted])
  await open('/settings/audit-log')
  expect((await page.getByRole('rowheader').allTextContents())[0]).toBe('exception.add-many')
  expect(operator.errors).toEqual([])

  expect(await work.push('HEAD:refs/heads/ada/import')).toMatchObject(accepted)
  await work.commit('Another', { 'new.ts': `export const token = '${fakeGithubToken()}'\n` })
  expect(await work.push('HEAD:refs/heads/ada/import')).toMatchObject(rejected)
})
