import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedGate } from '../harness/index.ts'
import { confirm, openConsole, startBrowser, untilLoaded } from './fixtures/browser.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test('an admin gives, changes and takes away roles, and the audit log names the admin', async () => {
  await using gate = await sharedGate()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  const roles = () => gate.admin.request('GET', '/operators')
  await open('/settings/operators')
  await page.getByText('No operator who signs in has a role yet.').waitFor()
  const give = async (principal: string, role: string, repository: string) => {
    await page.getByLabel('Operator', { exact: true }).fill(principal)
    await page.getByLabel('Role', { exact: true }).selectOption(role)
    await page.getByLabel('Repository').selectOption(repository)
    await untilLoaded(page, () => page.getByRole('button', { name: 'Give the role' }).click())
  }
  await give('Grace', 'approver', 'app')
  await page.getByRole('alert').getByText('must be email:ADDRESS').waitFor()
  expect(await page.getByLabel('Operator', { exact: true }).inputValue()).toBe('Grace')
  expect(await page.getByLabel('Repository').inputValue()).toBe('app')
  await give('email:Grace@acme.example', 'approver', 'app')
  await page.getByText('Give a role').click()
  await give('group:platform/ops', 'viewer', '')
  expect(await roles()).toMatchObject([
    { principal: 'email:grace@acme.example', role: 'approver', repository: 'app' },
    { principal: 'group:platform/ops', role: 'viewer', repository: null },
  ])

  await page.getByLabel('Role of group:platform/ops in the gate').selectOption('admin')
  await untilLoaded(page, () =>
    page.getByRole('button', { name: 'Change the role of group:platform/ops in the gate' }).click(),
  )
  await page.getByText('admin of the gate;').waitFor()
  await confirm(page, /^Remove the role of email:grace@acme.example in app/)
  await confirm(page, /^Remove the role of group:platform\/ops in the gate/)
  expect(await roles()).toEqual([])

  await page.getByRole('link', { name: 'Audit log' }).click()
  const rows = page.locator('tbody tr')
  await rows.first().waitFor()
  const changes = (await rows.allTextContents()).slice(0, 5)
  expect(changes.every(each => each.includes('first admin token'))).toBe(true)
  expect(await page.getByRole('rowheader').allTextContents()).toEqual(
    expect.arrayContaining(['operator.remove', 'operator.set']),
  )
  expect(operator.errors).toEqual([])
})
