import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedGate } from '../harness/index.ts'
import { confirm, openConsole, startBrowser, untilLoaded } from './fixtures/browser.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test('webhooks, admin tokens and identities are added, shown without secrets, and removed after a question', async () => {
  await using gate = await sharedGate()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/settings/webhooks')
  await page.getByText('There is no webhook yet.').waitFor()
  await page.getByLabel('URL').fill('https://hooks.example.com/gate')
  await page.getByLabel('Format').selectOption('slack')
  await page.getByRole('button', { name: 'Add' }).click()
  const secret = (await page.locator('#webhook-secret').textContent()) ?? ''
  expect(secret).toMatch(/^whsec_/)
  await open('/settings/webhooks')
  expect(await page.content()).not.toContain(secret)
  await page.getByText('messages for Slack; added').waitFor()
  await confirm(page, /^Remove the webhook/)
  await page.getByText('There is no webhook yet.').waitFor()

  await page.getByRole('link', { name: 'Admin tokens' }).click()
  await page.getByLabel('Label').fill('grace')
  await page.getByRole('button', { name: 'Mint an admin token' }).click()
  const token = (await page.locator('#minted-token').textContent()) ?? ''
  const asGrace = () =>
    fetch(`${gate.url}/-/api/v1/status`, { headers: { authorization: `Bearer ${token}` } })
  expect((await asGrace()).status).toBe(200)
  await open('/settings/admin-tokens')
  expect(await page.content()).not.toContain(token)
  await confirm(page, /^Revoke the admin token/)
  await page.getByText('1 inactive token').waitFor()
  expect((await asGrace()).status).toBe(401)

  await page.getByRole('link', { name: 'Identities and credentials' }).click()
  await page.getByText('Add an identity').click()
  await page.getByLabel('Name').fill('acme-deploy')
  await untilLoaded(page, () => page.getByRole('button', { name: 'Add' }).click())
  await page.locator('#key-acme-deploy', { hasText: /^ssh-ed25519 / }).waitFor()
  await confirm(page, /^Remove the identity acme-deploy/)
  expect(await page.locator('#key-acme-deploy').count()).toBe(0)

  await untilLoaded(page, () => page.getByRole('link', { name: 'Audit log' }).click())
  const changes = page.getByRole('rowheader')
  expect((await changes.allTextContents()).slice(0, 6)).toEqual([
    'identity.remove',
    'identity.add',
    'admin-token.revoke',
    'admin-token.mint',
    'webhook.remove',
    'webhook.add',
  ])
  await page.getByText('first admin token').first().waitFor()
  expect(operator.errors).toEqual([])
})

test('an admin token has the role and the repository that its page shows, and viewer unless another is chosen', async () => {
  await using gate = await sharedGate()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  const mint = async (label: string) => {
    await page.getByLabel('Label').fill(label)
    await untilLoaded(page, () => page.getByRole('button', { name: 'Mint an admin token' }).click())
    return (await page.locator('#minted-token').textContent()) ?? ''
  }
  const addAgent = (token: string) =>
    fetch(`${gate.url}/-/api/v1/agents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'mallory' }),
    })
  await open('/settings/admin-tokens')
  expect((await addAgent(await mint('prometheus'))).status).toBe(403)
  await page.getByLabel('Role').selectOption('approver')
  await page.getByLabel('Repository').selectOption('app')
  await mint('grace')
  const item = (label: string) => page.getByRole('listitem').filter({ hasText: label })
  await item('prometheus').getByText('viewer of the gate;').waitFor()
  await item('grace').getByText('approver of app;').waitFor()
  expect(await gate.admin.request('GET', '/admin-tokens')).toMatchObject([
    { label: 'grace', role: 'approver', repository: 'app' },
    { label: 'prometheus', role: 'viewer', repository: null },
  ])
  await confirm(page, /^Revoke the admin token/)
  await page.getByText('1 inactive token').click()
  await item('grace').getByText('approver of app;').waitFor()

  await page.getByLabel('Label').fill('mallory')
  await page.evaluate(`document.querySelector('[name=role]').removeAttribute('name')`)
  await untilLoaded(page, () => page.getByRole('button', { name: 'Mint an admin token' }).click())
  await page.getByRole('alert').waitFor()
  expect(operator.errors).toEqual([])
})

test('an admin token has the owner that its form names, and a form with another owner keeps its values', async () => {
  await using gate = await sharedGate()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/settings/admin-tokens')
  const mint = () =>
    untilLoaded(page, () => page.getByRole('button', { name: 'Mint an admin token' }).click())
  await page.getByLabel('Label').fill('of ada')
  await page.getByLabel('Role').selectOption('approver')
  await page.getByLabel('Owner').fill('group:platform')
  await mint()
  await page.getByRole('alert').getByText('must be email:ADDRESS or subject:ISSUER#SUBJECT').waitFor()
  expect(await page.getByLabel('Label').inputValue()).toBe('of ada')
  expect(await page.getByLabel('Role').inputValue()).toBe('approver')
  expect(await page.getByLabel('Owner').inputValue()).toBe('group:platform')
  await page.getByLabel('Owner').fill('email:ada@example.com')
  await mint()
  await page.getByText('owner email:ada@example.com;').waitFor()
  await page.getByLabel('Label').fill('of nobody')
  await mint()
  expect(await gate.admin.request('GET', '/admin-tokens')).toMatchObject([
    { label: 'of nobody', owner: null },
    { label: 'of ada', owner: 'email:ada@example.com', role: 'approver' },
  ])
  expect(operator.errors).toEqual([])
})

test('the audit log pages through all changes, the newest first', async () => {
  await using gate = await sharedGate()
  for (let i = 0; i < 70; i++) await gate.admin.agent(`agent-${i}`)
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/settings/audit-log')
  const seen = await page.locator('tbody td:nth-child(4)').allTextContents()
  expect(seen[0]).toBe('agent-69')
  await untilLoaded(page, () => page.getByRole('link', { name: 'Older changes' }).click())
  seen.push(...(await page.locator('tbody td:nth-child(4)').allTextContents()))
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toContain('agent-0')
  await open('/settings/audit-log?before=1')
  await page.getByText('There are no older changes.').waitFor()
  expect(operator.errors).toEqual([])
})

test('a push links to the pages of its branch and commits at the host; the list of repositories shows the last contact', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/repositories')
  await page.getByText('Add a repository').waitFor()
  await open('/repositories/app')
  await page.getByText('Change the settings').click()
  await page.getByLabel('Web page').fill('https://git.example.com/acme/app/')
  await page.getByLabel('Kind of host').selectOption('gitlab')
  await untilLoaded(page, () => page.getByRole('button', { name: 'Save' }).click())
  expect(await gate.admin.request('GET', '/repositories/app')).toMatchObject({
    webUrl: 'https://git.example.com/acme/app',
  })
  await ada.push('refs/heads/ada/hello', { 'hello.txt': 'hello\n' })
  const { id, refs } = await gate.ledger.last()
  await open(`/pushes/${id}`)
  const href = (name: string) => page.getByRole('link', { name, exact: true }).getAttribute('href')
  expect(await href('branch')).toBe('https://git.example.com/acme/app/-/tree/ada/hello')
  const commit = `https://git.example.com/acme/app/-/commit/${refs[0]?.new}`
  expect(await href(refs[0]?.new.slice(0, 8) ?? '')).toBe(commit)
  await untilLoaded(page, () => page.getByRole('link', { name: 'Commits and diff' }).click())
  expect(await href(refs[0]?.new.slice(0, 8) ?? '')).toBe(commit)
  await open('/repositories')
  await page.locator('.resources > li', { hasText: 'app' }).getByText('reachable').waitFor()
  expect(operator.errors).toEqual([])
})
