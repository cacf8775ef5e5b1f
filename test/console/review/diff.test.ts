import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accepted, type Gate, rejected, sharedGate } from '../../harness/index.ts'
import { openConsole, startBrowser, untilLoaded } from '../fixtures/browser.ts'
import { measureLoad } from '../fixtures/long-history.ts'
import { fakeGithubToken } from '../fixtures/sample-data.ts'

let browser: Browser & AsyncDisposable
let gate: Gate
beforeAll(async () => {
  browser = await startBrowser()
  gate = await sharedGate()
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await gate[Symbol.asyncDispose]()
})

test('a refused push shows its commits and files by commit, with line numbers and without its secrets', async () => {
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  const token = fakeGithubToken()
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  await work.commit('Write notes', { 'notes.md': 'one\ntwo\nthree\n' })
  await work.commit('Deploy with a token', {
    'deploy.sh': `#!/bin/sh\nset -e\n\nexport GITHUB_TOKEN=${token}\nmake deploy\n`,
    'deploy.pem': privateKey,
  })
  expect(await work.push('HEAD:refs/heads/ada/deploy')).toMatchObject(rejected)
  const { id } = await gate.ledger.last()

  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open(`/pushes/${id}`)
  await untilLoaded(page, () => page.getByRole('link', { name: 'Commits and diff' }).click())
  const shown = async () => (await page.content()) + (await page.locator('body').textContent())
  expect(await page.locator('.commits a').allTextContents()).toEqual(['Deploy with a token', 'Write notes'])
  expect(await page.locator('.files a').allTextContents()).toEqual(['deploy.pem', 'deploy.sh', 'notes.md'])
  expect(await page.locator('.diff .added').allTextContents()).toEqual(
    expect.arrayContaining(['+set -e\n', '+[redacted]\n', '+make deploy\n', '+two\n']),
  )
  const lines = [token, ...privateKey.split('\n').filter(line => line && !line.startsWith('-----'))]
  for (const line of lines) expect((await shown()).includes(line)).toBe(false)
  expect(await page.locator('.diff .added', { hasText: '+make deploy' }).getAttribute('data-n')).toBe('5')

  await untilLoaded(page, () => page.getByRole('link', { name: 'Write notes' }).click())
  expect(await page.locator('.files a').allTextContents()).toEqual(['notes.md'])
  await untilLoaded(page, () => page.getByRole('link', { name: 'Show all commits together' }).click())
  expect(await page.locator('.files a').count()).toBe(3)
  expect(operator.errors).toEqual([])

  // The finding has its surroundings and its commit, redacted too.
  const { findings } = await gate.ledger.last()
  expect(findings.find(({ path }) => path === 'deploy.sh')).toMatchObject({
    subject: 'Deploy with a token',
    before: ['#!/bin/sh', 'set -e', ''],
    after: ['make deploy'],
  })
  for (const line of lines) expect(JSON.stringify(findings)).not.toContain(line)
})

test('a refused push whose secret is encoded, or that was not scanned, shows its files and no text', async () => {
  const ada = await gate.agent('bea', { push: ['refs/heads/bea/**'], denyPaths: ['denied/**'] })
  const work = await ada.clone()
  const encoded = Buffer.from(`password = ${fakeGithubToken()}\n`.repeat(3)).toString('base64')
  await work.commit('Encoded', { 'encoded.txt': `first line\n${encoded}\n` })
  expect(await work.push('HEAD:refs/heads/bea/encoded')).toMatchObject(rejected)
  const first = await gate.ledger.last()
  expect(first.findings.length).toBeGreaterThan(0)
  const other = await ada.clone()
  const token = fakeGithubToken()
  await other.commit(`Denied ${token}`, { 'denied/file.txt': `TOKEN=${token}\n` })
  expect(await other.push('HEAD:refs/heads/bea/denied')).toMatchObject(rejected)
  const second = await gate.ledger.last()
  expect(second.findings).toEqual([])

  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  for (const { id } of [first, second]) {
    await open(`/pushes/${id}/diff`)
    await page.getByText('The text is not shown').waitFor()
    expect(await page.locator('.files li').count()).toBe(1)
    expect(await page.locator('.diff').count()).toBe(0)
    for (const secret of [encoded, token]) expect((await page.content()).includes(secret)).toBe(false)
  }
  expect(operator.errors).toEqual([])
})

test('a diff of 5 MB comes in a page of less than 150 kB, and each of its files by itself', async () => {
  const ada = await gate.agent('cleo', { push: ['refs/heads/cleo/**'] })
  const work = await ada.clone()
  const words = Array.from({ length: 90_000 }, (_, i) => `the ${i}th line of a generated file, ${i * 7919}\n`)
  await work.commit('Generate', {
    'a-generated.txt': words.join(''),
    'z-small.txt': 'small\n',
    'generated.ts': words.map((_, i) => `export const value${i} = "${i}" // the ${i}th\n`).join(''),
    'short-lines.txt': 'x\n'.repeat(60_000),
    'one-line.txt': `${randomBytes(40_000)
      .toString('base64')
      .replaceAll(/[^a-z]/g, ' ')}\n`,
  })
  expect(await work.push('HEAD:refs/heads/cleo/big')).toMatchObject(accepted)
  const { id } = await gate.ledger.last()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await page.route('**/*', route => route.continue())
  for (const file of ['', 'generated.ts', 'short-lines.txt', 'one-line.txt']) {
    await open(`/pushes/${id}/diff${file && `?path=${file}`}`)
    expect((await measureLoad(page)).bytes).toBeLessThan(150_000)
    await page.getByText('The rest is not shown.').waitFor()
  }
  await open(`/pushes/${id}/diff`)
  await untilLoaded(page, () => page.getByRole('link', { name: 'z-small.txt' }).click())
  expect(await page.locator('.diff .added').allTextContents()).toEqual(['+small\n'])
  await untilLoaded(page, () => page.getByRole('link', { name: 'Show all files' }).click())
  expect(operator.errors).toEqual([])
})
