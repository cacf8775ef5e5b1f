import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GrantTerms } from '../../src/contract/grant.ts'
import { accepted, type Gate, rejected, sharedGate } from '../harness/index.ts'
import { openConsole, startBrowser, untilLoaded } from './fixtures/browser.ts'
import { tabTo } from './fixtures/keyboard.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

/** Replaces the text of the focused field with the keyboard. */
async function replaceText(page: Page, text: string): Promise<void> {
  await page.keyboard.press('Control+A')
  await page.keyboard.press('Delete')
  await page.keyboard.insertText(text)
}

const EVERYTHING = GrantTerms.parse({
  rules: [
    { pattern: 'refs/heads/main', deny: ['force', 'delete'], allow: ['update'] },
    { pattern: 'refs/heads/{agent}/**', allow: ['create', 'update', 'force', 'delete'] },
    { pattern: 'refs/heads/release/*', deny: ['create', 'update', 'force', 'delete'] },
    { pattern: 'refs/heads/[[:alpha:]]/x', allow: ['create'] },
    { pattern: 'refs/tags/{agent}-*', allow: ['create', 'force'] },
  ],
  pushOptions: ['merge_request.*'],
  pullRequests: ['main', 'release/*'],
  hostApi: 'write',
  denyPaths: ['.github/workflows/**', ' a file with spaces '],
  symlinks: false,
  submodules: false,
  emails: ['*@agents.example.com', 'ada@example.com'],
  allowedSigners: `ada@example.com ssh-ed25519 ${'A'.repeat(68)}\nbruno@example.com ssh-ed25519 ${'B'.repeat(68)}\n`,
  maxBlobBytes: 5_000_000,
})

test('saving an unchanged form leaves every kind of grant unchanged', async () => {
  await using gate = await sharedGate()
  await gate.admin.agent('ada')
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  for (const terms of [EVERYTHING, GrantTerms.parse({})]) {
    await gate.admin.grant('ada', 'app', terms)
    await open('/agents/ada')
    await page.getByRole('link', { name: 'Change the grant for app' }).click()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL('**/agents/ada#grants')
    expect(await gate.admin.request('GET', '/grants/ada/app')).toEqual({
      agent: 'ada',
      repository: 'app',
      terms,
    })
  }
  expect(operator.errors).toEqual([])
})

test('a grant is changed with the keyboard alone: problems keep the input, then every limit is set', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const work = await ada.clone()
  await work.commit('Say hello', { 'docs/hello.txt': 'hello\n' })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/agents/ada')
  await tabTo(page, /^Change the grant for app$/)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Grant of ada in app' }).waitFor()
  expect(await page.getByRole('textbox', { name: 'Rules' }).inputValue()).toBe(
    'refs/heads/ada/**: create, update',
  )

  await tabTo(page, 'Rules')
  await replaceText(page, 'refs/heads/main: not force, delete\nrefs/heads/{agent}/**: create, overwrite')
  await tabTo(page, 'Save')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('invalid rule: refs/heads/{agent}/**: create, overwrite').waitFor()
  expect(await page.getByRole('textbox', { name: 'Rules' }).inputValue()).toContain('overwrite')
  await tabTo(page, 'Rules')
  await replaceText(page, 'refs/pull/*: create')
  await tabTo(page, 'Denied paths')
  await replaceText(page, 'docs/**\n.github/**')
  await tabTo(page, 'Save')
  await page.keyboard.press('Enter')
  await page
    .getByRole('alert')
    .getByText(/^Rules, entry 1: a ref pattern starts with refs.heads., refs.tags./)
    .waitFor()
  expect(await page.getByLabel('Denied paths').inputValue()).toBe('docs/**\n.github/**')

  await tabTo(page, 'Rules')
  await replaceText(
    page,
    'refs/heads/main: not force, delete\n{agent}/**: create update\nrefs/tags/v*: create',
  )
  await tabTo(page, 'Commit e-mail addresses')
  await replaceText(page, '*@example.com')
  await tabTo(page, 'Forwarded push options')
  await replaceText(page, 'merge_request.*\ntopic=*')
  await tabTo(page, 'Maximum file size, in bytes')
  await replaceText(page, '1000')
  await tabTo(page, 'Allow symbolic links')
  await page.keyboard.press('Space')
  await tabTo(page, 'Save')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/agents/ada#grants')
  for (const line of [
    'refs/heads/main: not force, delete',
    'paths that a push must not touch: docs/**, .github/**',
  ])
    await page.getByText(line).waitFor()
  expect(await gate.admin.request('GET', '/grants/ada/app')).toMatchObject({
    terms: {
      rules: [
        { pattern: 'refs/heads/main', allow: [], deny: ['force', 'delete'] },
        { pattern: 'refs/heads/{agent}/**', allow: ['create', 'update'], deny: [] },
        { pattern: 'refs/tags/v*', allow: ['create'], deny: [] },
      ],
      denyPaths: ['docs/**', '.github/**'],
      emails: ['*@example.com'],
      maxBlobBytes: 1000,
      symlinks: false,
      submodules: true,
      pushOptions: ['merge_request.*', 'topic=*'],
    },
  })
  expect(operator.errors).toEqual([])

  const refused = await work.push('HEAD:refs/heads/ada/docs')
  expect(refused).toMatchObject(rejected)
  expect(refused.output).toContain('docs/hello.txt')
  await work.text(['reset', '-q', '--hard', 'origin/main'])
  await work.commit('Say hello elsewhere', { 'hello.txt': 'hello\n' })
  expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
})

test('a new grant in a repository can have every kind of term', async () => {
  await using gate = await sharedGate()
  await gate.admin.agent('ada')
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/agents/ada')
  await page.getByText('Add a grant').click()
  await page.getByRole('textbox', { name: 'Rules' }).fill('refs/heads/{agent}/**: create, rewrite')
  await page.getByLabel('Denied paths').fill('secrets/**')
  await page.getByRole('button', { name: 'Add grant' }).click()
  await page
    .getByRole('alert')
    .getByText(/^invalid rule/)
    .waitFor()
  expect(await page.getByLabel('Denied paths').inputValue()).toBe('secrets/**')
  await page.getByRole('textbox', { name: 'Rules' }).fill('')
  await page.getByRole('button', { name: 'Add grant' }).click()
  await page.getByText('may read', { exact: true }).waitFor()
  expect(await gate.admin.request('GET', '/grants/ada/app')).toMatchObject({
    terms: { rules: [], denyPaths: ['secrets/**'], symlinks: true },
  })
  expect(operator.errors).toEqual([])
})

/** Sends a request to the admin API as another operator. */
async function requestAsGrace(
  gate: Gate,
  method: 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<void> {
  const minted = (await gate.admin.request('POST', '/admin-tokens', { label: 'grace' })) as Record<
    string,
    string
  >
  const answer = await fetch(`${gate.url}/-/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${minted.token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  expect(answer.status).toBe(200)
}

const submit = async (page: Page, button: string) => {
  const answer = page.waitForResponse(response => response.request().method() === 'POST')
  await untilLoaded(page, () => page.getByRole('button', { name: button, exact: true }).click())
  return (await answer).status()
}

test('saving a grant does not overwrite a change made since the form was opened, until the operator has seen it', async () => {
  await using gate = await sharedGate()
  await gate.agent('ada', { push: ['ada/**'] })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/agents/ada/grants/app')
  await page.getByLabel('Denied paths').fill('docs/**')
  const narrowed = GrantTerms.parse({
    rules: [{ pattern: 'refs/heads/ada/fix-*', allow: ['create'] }],
    symlinks: false,
  })
  await requestAsGrace(gate, 'PUT', '/grants/ada/app', narrowed)

  expect(await submit(page, 'Save')).toBe(409)
  const alert = page.getByRole('alert')
  await alert
    .getByText(/^admin token grace \(\w+\) has changed this grant since the form was opened/)
    .waitFor()
  await alert.getByText('refs/heads/ada/fix-*: create').waitFor()
  await alert.getByText('symbolic links: none').waitFor()
  expect(await page.getByLabel('Denied paths').inputValue()).toBe('docs/**')
  expect(await gate.admin.request('GET', '/grants/ada/app')).toMatchObject({ terms: narrowed })

  // An invalid form keeps the version of the present grant.
  await page.getByRole('textbox', { name: 'Rules' }).fill('refs/heads/ada/**: overwrite')
  expect(await submit(page, 'Save')).toBe(400)
  await page.getByRole('textbox', { name: 'Rules' }).fill('refs/heads/ada/fix-*: create')
  expect(await submit(page, 'Save')).toBe(303)
  expect(await gate.admin.request('GET', '/grants/ada/app')).toMatchObject({
    terms: { rules: narrowed.rules, denyPaths: ['docs/**'], symlinks: true },
  })
  expect(operator.errors).toEqual([])
})

test('a grant removed or added while its form was open is a conflict that keeps the input', async () => {
  await using gate = await sharedGate()
  await gate.agent('ada', { push: ['ada/**'] })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/agents/ada/grants/app')
  await page.getByLabel('Denied paths').fill('docs/**')
  await requestAsGrace(gate, 'DELETE', '/grants/ada/app')
  expect(await submit(page, 'Save')).toBe(409)
  await page
    .getByRole('alert')
    .getByText(/^admin token grace \(\w+\) has removed this grant/)
    .waitFor()
  expect(await page.getByLabel('Denied paths').inputValue()).toBe('docs/**')
  expect(await gate.admin.request('GET', '/grants')).toEqual([])
  expect(await submit(page, 'Save')).toBe(303)
  expect(await gate.admin.request('GET', '/grants/ada/app')).toMatchObject({
    terms: { denyPaths: ['docs/**'] },
  })

  await gate.admin.request('DELETE', '/grants/ada/app')
  await open('/agents/ada')
  await page.getByText('Add a grant').click()
  await page.getByLabel('Denied paths').fill('secrets/**')
  const given = GrantTerms.parse({ rules: [{ pattern: 'refs/heads/ada/fix-*', allow: ['create'] }] })
  await requestAsGrace(gate, 'PUT', '/grants/ada/app', given)
  expect(await submit(page, 'Add grant')).toBe(409)
  await page
    .getByRole('alert')
    .getByText(/^admin token grace \(\w+\) has changed this grant/)
    .waitFor()
  expect(await page.getByLabel('Denied paths').inputValue()).toBe('secrets/**')
  expect(await gate.admin.request('GET', '/grants/ada/app')).toMatchObject({ terms: given })

  await gate.admin.request('DELETE', '/agents/ada')
  expect(await submit(page, 'Save')).toBe(404)
  expect(operator.errors).toEqual([])
})
