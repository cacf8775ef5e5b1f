import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accepted, rejected, seconds, sharedGate, startGate, until } from '../../harness/index.ts'
import { confirm, openConsole, startBrowser, untilLoaded } from '../fixtures/browser.ts'
import { deletePush, STEPS, setOutcome, writeHistory } from '../fixtures/history.ts'
import { fakeGithubToken } from '../fixtures/sample-data.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

/** A gitleaks that waits until it is resumed. */
function pausedGitleaks() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-held-'))
  const program = path.join(dir, 'gitleaks')
  const open = path.join(dir, 'open')
  fs.writeFileSync(
    program,
    `#!/bin/sh\nwhile ! [ -e ${open} ]; do sleep 0.1; done\nexec ${process.env.GATE_GITLEAKS} "$@"\n`,
    { mode: 0o755 },
  )
  return {
    program,
    resume: () => fs.writeFileSync(open, ''),
    [Symbol.dispose]: () => fs.rmSync(dir, { recursive: true }),
  }
}

test('an open page shows a push when it starts, and then each of its states', async () => {
  using gitleaks = pausedGitleaks()
  await using gate = await startGate({ settings: { GATE_GITLEAKS: gitleaks.program } })
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  await work.commit('Make the search faster', { 'search.ts': 'export const limit = 50\n++limit\n' })
  const held = path.join(gate.home, 'upstream-may-answer')
  gate.upstream.hook('pre-receive', `while ! [ -e ${held} ]; do sleep 0.1; done; echo 'thank you' >&2`)

  await using listPage = await openConsole(browser, gate)
  const { page } = listPage
  await page.getByText('There is no push yet.').waitFor()
  const lines = page.getByRole('list', { name: 'Pushes, newest first' }).getByRole('listitem')
  await expect.poll(() => page.locator('#live').textContent()).toBe('live')

  const push = work.push('HEAD:refs/heads/ada/search')
  const line = lines.filter({ hasText: 'ada to app' })
  await line.getByText('checking: secrets').waitFor()
  expect(await page.getByText('There is no push yet.').isVisible()).toBe(false)
  await line.getByText('ada/search').waitFor()
  // The ref with its tooltip is above the link that covers the row.
  await line.locator('.ref').hover()
  await using pushPage = await openConsole(browser, gate)
  await pushPage.page.getByRole('link', { name: 'ada to app' }).click()
  await pushPage.page.locator('.timeline').getByText('in progress').waitFor()
  await expect.poll(() => pushPage.page.locator('#live').textContent()).toBe('live')
  // Screen readers announce changes of an element that stays in the page.
  const announced = await pushPage.page.locator('#announce').elementHandle()
  expect(await announced?.getAttribute('role')).toBe('status')

  gitleaks.resume()
  await line.getByText('forwarding').waitFor()
  await pushPage.page.getByRole('heading', { name: 'ada to app' }).waitFor()
  await pushPage.page.locator('.outcome', { hasText: 'forwarding' }).waitFor()
  expect(await announced?.textContent()).toBe('ada to app: forwarding')

  fs.writeFileSync(held, '')
  expect(await push).toMatchObject(accepted)
  await line.getByText('accepted').waitFor()
  await pushPage.page.locator('.outcome', { hasText: 'accepted' }).waitFor()
  expect(await announced?.textContent()).toBe('ada to app: accepted')
  await pushPage.page.locator('#live').waitFor({ state: 'hidden' })
  await pushPage.page.getByText('thank you', { exact: true }).waitFor()
  for (const step of STEPS)
    await pushPage.page.locator('.timeline').getByText(step, { exact: true }).waitFor()
  await pushPage.page.getByRole('link', { name: 'Commits and diff' }).click()
  await pushPage.page.getByText('Make the search faster').waitFor()
  await pushPage.page.getByText('+export const limit = 50').waitFor()
  expect(await pushPage.page.locator('.diff .added').allTextContents()).toEqual([
    '+export const limit = 50\n',
    '+++limit\n',
  ])
  expect([...listPage.errors, ...pushPage.errors]).toEqual([])
})

test('a refused push shows its redacted finding; after it is allowed, the same push is accepted', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  const secret = fakeGithubToken()
  await work.commit('Deploy', { 'deploy.sh': `export GITHUB_TOKEN=${secret}\n` })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  expect(await work.push('HEAD:refs/heads/ada/deploy')).toMatchObject(rejected)

  await page.getByRole('listitem').filter({ hasText: 'github-pat in deploy.sh:1' }).waitFor()
  await page.getByRole('link', { name: 'ada to app' }).click()
  await page.getByRole('heading', { name: '1 finding' }).waitFor()
  await page.getByText('export GITHUB_TOKEN=[redacted]').first().waitFor()
  await page.getByText('git-gate: refused refs/heads/ada/deploy').waitFor()
  expect(await page.content()).not.toContain(secret)

  await untilLoaded(page, () => page.getByRole('link', { name: 'Pending findings' }).click())
  await page.getByRole('checkbox', { name: 'github-pat' }).check()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByText('No finding needs a decision.').waitFor()
  await page.getByText('by first admin token').waitFor()

  expect(await work.push('HEAD:refs/heads/ada/deploy')).toMatchObject(accepted)
  const [exception] = (await gate.admin.request('GET', '/exceptions')) as { id: string; grantedBy: string }[]
  expect(exception).toMatchObject({ grantedBy: 'first admin token', repository: 'app' })
  expect((await gate.ledger.last()).exceptionsUsed).toEqual([exception?.id])
  await open('/pushes')
  await page.getByRole('link', { name: 'ada to app' }).first().click()
  await page.getByText('Exceptions used').waitFor()
  await page.getByText(exception?.id ?? '?').waitFor()

  await open('/pending')
  await confirm(page, /^Revoke/)
  await page.getByRole('button', { name: 'Allow' }).waitFor()
  expect(operator.errors).toEqual([])
})

test('a declined finding is no longer pending, and is pending again after the decline is undone', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  await work.commit('Deploy', { 'deploy.sh': `export GITHUB_TOKEN=${fakeGithubToken()}\n` })
  expect((await work.push('HEAD:refs/heads/ada/deploy')).output).toContain(
    'put gitleaks:allow into that line',
  )
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/pending')
  await page.getByRole('checkbox', { name: 'github-pat' }).check()
  await page.getByLabel('Reason').fill('rotate it, please')
  await page.getByRole('button', { name: 'Decline' }).click()
  await page.getByText('No finding needs a decision.').waitFor()
  await page.getByText('rotate it, please').waitFor()
  const again = await work.push('HEAD:refs/heads/ada/deploy')
  expect(again.output).toContain('an operator has declined to let it pass: rotate it, please')
  expect(again.output).not.toContain('put gitleaks:allow into that line')
  await page.getByRole('button', { name: /^Undo/ }).click()
  await page.getByRole('button', { name: 'Decline' }).waitFor()
  const { entries } = (await gate.admin.request('GET', '/audit-log')) as { entries: { action: string }[] }
  expect(entries.slice(0, 2).map(each => each.action)).toEqual([
    'finding.undo-decline',
    'finding.decline-many',
  ])
  expect(operator.errors).toEqual([])
})

test('the list loads the whole history, and filters narrow it', async () => {
  await using gate = await sharedGate()
  const now = Date.now()
  writeHistory(
    gate.home,
    Array.from({ length: 180 }, (_, i) => ({
      startedAt: now - (i + 1) * 60_000,
      agent: i === 179 ? 'first' : 'ada',
      outcome: i % 10 === 0 ? ('refused' as const) : ('accepted' as const),
    })),
  )
  await using operator = await openConsole(browser, gate)
  const { page } = operator
  const lines = page
    .getByRole('list', { name: /^(Pushes, newest first|Older pushes)$/ })
    .getByRole('listitem')
  for (const _ of [1, 2, 3, 4]) await page.keyboard.press('End')
  await expect
    .poll(async () => {
      await page.keyboard.press('End')
      return lines.count()
    })
    .toBe(180)
  await page.getByRole('link', { name: 'first to app' }).waitFor()
  await page.getByLabel('Outcome').selectOption('refused')
  await untilLoaded(page, () => page.getByRole('button', { name: 'Filter' }).click())
  expect(page.url()).toContain('outcome=refused')
  expect(await lines.count()).toBe(18)
  await page.getByLabel('Agent').fill('nobody')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByText('No push matches these filters.').waitFor()
  expect(operator.errors).toEqual([])
})

/** Keeps pushes open that no companion knows. */
const keepPushesOpen = { settings: { GATE_OPEN_PUSH_TIMEOUT_SECONDS: '86400' } }

/** Makes a page visible or hidden, as a switch of tabs does. */
const setVisible = (page: Page, seen: boolean) =>
  page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${!seen}, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))`)

const isStream = (request: { url(): string }) => request.url().includes('/pushes/live')

test('a filtered list adds pushes that start to match, removes those that no longer do, and pauses while hidden', async () => {
  await using gate = await startGate(keepPushesOpen)
  const minutes = (ago: number) => Date.now() - ago * 60_000
  const [early, late] = writeHistory(gate.home, [
    { startedAt: minutes(30), agent: 'early', outcome: 'open' },
    { startedAt: minutes(20), agent: 'late', outcome: 'open' },
    { startedAt: minutes(10), agent: 'newer' },
  ])
  await using openPage = await openConsole(browser, gate)
  await using acceptedPage = await openConsole(browser, gate)
  await openPage.open('/pushes?outcome=open')
  await acceptedPage.open('/pushes?outcome=accepted')
  const lineOf = ({ page }: typeof openPage, agent: string) =>
    page.getByRole('listitem').filter({ hasText: `${agent} to app` })
  for (const { page } of [openPage, acceptedPage])
    await expect.poll(() => page.locator('#live').textContent()).toBe('live')
  await lineOf(openPage, 'early').waitFor()
  await lineOf(openPage, 'late').getByRole('link').focus()

  setOutcome(gate.home, late ?? '', 'accepted')
  await lineOf(openPage, 'late').waitFor({ state: 'detached' })
  expect(await openPage.page.evaluate('document.activeElement.textContent')).toBe('early to app')
  await lineOf(acceptedPage, 'late').waitFor()
  setOutcome(gate.home, early ?? '', 'accepted')
  await openPage.page.getByText('No push matches these filters.').waitFor()
  await lineOf(acceptedPage, 'early').waitFor()
  expect(await acceptedPage.page.locator('#pushes .title').allTextContents()).toEqual(
    ['newer', 'late', 'early'].map(agent => `${agent} to app`),
  )

  const closed = acceptedPage.page.waitForEvent('requestfailed', isStream)
  await setVisible(acceptedPage.page, false)
  await closed
  const [unseen] = writeHistory(gate.home, [{ startedAt: Date.now(), agent: 'unseen' }])
  await lineOf(openPage, 'unseen').waitFor({ state: 'detached' })
  expect(await acceptedPage.page.locator(`#push-${unseen}`).count()).toBe(0)
  await setVisible(acceptedPage.page, true)
  await lineOf(acceptedPage, 'unseen').waitFor()

  // More pushes than one poll reads: the page reloads, so that its list has no gap.
  await setVisible(acceptedPage.page, false)
  writeHistory(
    gate.home,
    Array.from({ length: 150 }, (_, i) => ({ startedAt: Date.now() + i, agent: `many-${i}` })),
  )
  await untilLoaded(acceptedPage.page, () => setVisible(acceptedPage.page, true))
  await lineOf(acceptedPage, 'many-149').waitFor()
  await acceptedPage.page.getByRole('link', { name: 'Older pushes' }).waitFor()
  expect([...openPage.errors, ...acceptedPage.errors]).toEqual([])
})

test('a request that pushed nothing leaves the open list, and its own page becomes a 404', async () => {
  await using gate = await startGate(keepPushesOpen)
  await using listPage = await openConsole(browser, gate)
  await using pushPage = await openConsole(browser, gate)
  const [shown, never] = writeHistory(gate.home, [
    { startedAt: Date.now() - 60_000, agent: 'none', step: 'receiving', refs: [], outcome: 'open' },
    { startedAt: Date.now() - 90_000, agent: 'unseen', step: 'receiving', refs: [], outcome: 'open' },
    { startedAt: Date.now() - 80_000, agent: 'stays', outcome: 'open' },
  ])
  await listPage.open('/pushes')
  await pushPage.open(`/pushes/${shown}`)
  for (const { page } of [listPage, pushPage])
    await expect.poll(() => page.locator('#live').textContent()).toBe('live')
  await listPage.page.locator(`#push-${shown}`).getByRole('link').focus()

  deletePush(gate.home, shown ?? '')
  await listPage.page.locator(`#push-${shown}`).waitFor({ state: 'detached' })
  expect(await listPage.page.evaluate('document.activeElement.textContent')).toBe('stays to app')
  await pushPage.page.getByRole('heading', { name: 'There is no push with this id' }).waitFor()

  // Deleted while the page is hidden.
  await setVisible(listPage.page, false)
  deletePush(gate.home, never ?? '')
  await setVisible(listPage.page, true)
  await listPage.page.locator(`#push-${never}`).waitFor({ state: 'detached' })
  expect(await listPage.page.locator('#pushes > li').count()).toBe(1)
  expect([...listPage.errors, ...pushPage.errors]).toEqual([])
})

test('an unchanged push is not sent again when other pushes arrive', async () => {
  await using gate = await startGate(keepPushesOpen)
  await using operator = await openConsole(browser, gate)
  const startedAt = Date.now() - 58_000
  const [openPage] = writeHistory(gate.home, [{ startedAt, outcome: 'open' }])
  const response = await fetch(`${gate.url}/-/console/pushes/live`, {
    headers: { ...(await operator.halves()), accept: 'text/event-stream' },
  })
  expect(response.headers.get('cache-control')).toBe('no-store')
  const lines = readLines(response)
  const nextPush = async () => {
    for (;;) {
      const { value = 'the end' } = await lines.next()
      const [, id] = /^data: {"id":"(\w+)"/.exec(value) ?? []
      if (id) return id
      if (value === 'the end') return value
    }
  }
  expect(await nextPush()).toBe(openPage)
  await until(
    () => Date.now() > startedAt + 61_000 || undefined,
    seconds(10),
    () => 'it is not a minute ago',
  )
  const [newer] = writeHistory(gate.home, [{ startedAt: Date.now(), agent: 'newer' }])
  expect(await nextPush()).toBe(newer)
  const [newest] = writeHistory(gate.home, [{ startedAt: Date.now(), agent: 'newest' }])
  expect(await nextPush()).toBe(newest)
  await lines.return(undefined)
})

/** Yields the lines of a response as they arrive. */
async function* readLines({ body }: Response): AsyncGenerator<string, undefined> {
  if (!body) return
  let rest = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
