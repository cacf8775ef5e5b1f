import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accepted, rejected, seconds, startGate, until } from '../harness/index.ts'
import { openConsole, startBrowser } from './fixtures/browser.ts'
import { endPush, forgetPush, STEPS, writeHistory } from './fixtures/history.ts'
import { madeUpToken } from './fixtures/sample-data.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

/** A gitleaks that begins only when it is let go. */
function heldGitleaks() {
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
    letGo: () => fs.writeFileSync(open, ''),
    [Symbol.dispose]: () => fs.rmSync(dir, { recursive: true }),
  }
}

test('a push appears on the open page by itself, and moves through its states to its end', async () => {
  using gitleaks = heldGitleaks()
  await using gate = await startGate({ settings: { GATE_GITLEAKS: gitleaks.program } })
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  await work.commit('Make the search faster', { 'search.ts': 'export const limit = 50\n++limit\n' })
  const held = path.join(gate.home, 'upstream-may-answer')
  gate.upstream.hook('pre-receive', `while ! [ -e ${held} ]; do sleep 0.1; done; echo 'thank you' >&2`)

  await using watching = await openConsole(browser, gate)
  const { page } = watching
  await page.getByText('No agent has pushed yet.').waitFor()
  const lines = page.getByRole('list', { name: 'Pushes, newest first' }).getByRole('listitem')
  await expect.poll(() => page.locator('#live').textContent()).toBe('live')

  const push = work.push('HEAD:refs/heads/ada/search')
  const line = lines.filter({ hasText: 'ada to app' })
  await line.getByText('checking: secrets').waitFor()
  expect(await page.getByText('No agent has pushed yet.').isVisible()).toBe(false)
  await line.getByText('ada/search').waitFor()
  // What is under the pointer is the ref, with its full name, and not the link that covers the line.
  await line.locator('.ref').hover({ timeout: seconds(5) })
  await using looking = await openConsole(browser, gate)
  await looking.page.getByRole('link', { name: 'ada to app' }).click()
  await looking.page.locator('.timeline').getByText('in progress').waitFor()
  await expect.poll(() => looking.page.locator('#live').textContent()).toBe('live')
  // A screen reader hears what changes in an element that stays.
  const announced = await looking.page.locator('#announce').elementHandle()
  expect(await announced?.getAttribute('role')).toBe('status')

  gitleaks.letGo()
  await line.getByText('forwarding').waitFor()
  await looking.page.getByRole('heading', { name: 'ada to app' }).waitFor()
  await looking.page.locator('.state', { hasText: 'forwarding' }).waitFor()
  expect(await announced?.textContent()).toBe('ada to app: forwarding')

  fs.writeFileSync(held, '')
  expect(await push).toMatchObject(accepted)
  await line.getByText('accepted').waitFor()
  await looking.page.locator('.state', { hasText: 'accepted' }).waitFor()
  expect(await announced?.textContent()).toBe('ada to app: accepted')
  await looking.page.locator('#live').waitFor({ state: 'hidden' })
  await looking.page.getByText('thank you', { exact: true }).waitFor()
  for (const step of STEPS) await looking.page.locator('.timeline').getByText(step, { exact: true }).waitFor()
  await looking.page.getByRole('link', { name: 'See its commits and its diff' }).click()
  await looking.page.getByText('Make the search faster').waitFor()
  await looking.page.getByText('+export const limit = 50').waitFor()
  expect(await looking.page.locator('.diff .added').allTextContents()).toEqual([
    '+export const limit = 50\n',
    '+++limit\n',
  ])
  expect([...watching.wrong, ...looking.wrong]).toEqual([])
})

test('a refused push shows its finding, redacted; allowed with one click, the same push goes through', async () => {
  await using gate = await startGate()
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  const secret = madeUpToken()
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

  await page.getByRole('link', { name: 'Waiting for you' }).click()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByText('No finding waits for a decision.').waitFor()
  await page.getByText('by first admin token').waitFor()

  expect(await work.push('HEAD:refs/heads/ada/deploy')).toMatchObject(accepted)
  const [exception] = (await gate.admin.ask('GET', '/exceptions')) as { id: string; grantedBy: string }[]
  expect(exception).toMatchObject({ grantedBy: 'first admin token', repository: 'app' })
  expect((await gate.ledger.last()).exceptionsUsed).toEqual([exception?.id])
  await open('/pushes')
  await page.getByRole('link', { name: 'ada to app' }).first().click()
  await page.getByText('Exceptions used').waitFor()
  await page.getByText(exception?.id ?? '?').waitFor()

  await open('/waiting')
  await page.getByRole('button', { name: /^Revoke/ }).click()
  await page.getByRole('button', { name: 'Allow' }).waitFor()
  expect(operator.wrong).toEqual([])
})

test('a declined finding waits for nobody, and waits again when the decline is taken back', async () => {
  await using gate = await startGate()
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  await work.commit('Deploy', { 'deploy.sh': `export GITHUB_TOKEN=${madeUpToken()}\n` })
  expect((await work.push('HEAD:refs/heads/ada/deploy')).output).toContain('ask an operator')
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/waiting')
  await page.getByLabel('Reason').fill('rotate it, please')
  await page.getByRole('button', { name: 'Decline' }).click()
  await page.getByText('No finding waits for a decision.').waitFor()
  await page.getByText('rotate it, please').waitFor()
  const again = await work.push('HEAD:refs/heads/ada/deploy')
  expect(again.output).toContain('an operator has declined to let it pass: rotate it, please')
  expect(again.output).not.toContain('ask an operator')
  await page.getByRole('button', { name: /^Take back/ }).click()
  await page.getByRole('button', { name: 'Decline' }).waitFor()
  const { changes } = (await gate.admin.ask('GET', '/changes')) as { changes: { action: string }[] }
  expect(changes.slice(0, 2).map(each => each.action)).toEqual(['finding.take-back', 'finding.decline'])
  expect(operator.wrong).toEqual([])
})

test('the history is endless, and filters narrow it', async () => {
  await using gate = await startGate()
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
    .poll(
      async () => {
        await page.keyboard.press('End')
        return lines.count()
      },
      { timeout: seconds(10) },
    )
    .toBe(180)
  await page.getByRole('link', { name: 'first to app' }).waitFor()
  await page.getByLabel('Outcome').selectOption('refused')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.waitForURL(/outcome=refused/)
  expect(await lines.count()).toBe(18)
  await page.getByLabel('Agent').fill('nobody')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByText('No push fits these filters.').waitFor()
  expect(operator.wrong).toEqual([])
})

/** An open push that no companion knows stays open. */
const nothingIsLost = { settings: { GATE_LOST_PUSH_SECONDS: '86400' } }

/** Makes a page believe that it is looked at, or not. */
const show = (page: Page, seen: boolean) =>
  page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${!seen}, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))`)

const isStream = (request: { url(): string }) => request.url().includes('/pushes/live')

test('a filtered list gets what begins to fit, loses what no longer does, and rests while nobody sees it', async () => {
  await using gate = await startGate(nothingIsLost)
  const minutes = (ago: number) => Date.now() - ago * 60_000
  const [early, late] = writeHistory(gate.home, [
    { startedAt: minutes(30), agent: 'early', outcome: 'open' },
    { startedAt: minutes(20), agent: 'late', outcome: 'open' },
    { startedAt: minutes(10), agent: 'newer' },
  ])
  await using going = await openConsole(browser, gate)
  await using taken = await openConsole(browser, gate)
  await going.open('/pushes?outcome=open')
  await taken.open('/pushes?outcome=accepted')
  const lineOf = ({ page }: typeof going, agent: string) =>
    page.getByRole('listitem').filter({ hasText: `${agent} to app` })
  for (const { page } of [going, taken])
    await expect.poll(() => page.locator('#live').textContent()).toBe('live')
  await lineOf(going, 'early').waitFor()
  await lineOf(going, 'late').getByRole('link').focus()

  endPush(gate.home, late ?? '', 'accepted')
  await lineOf(going, 'late').waitFor({ state: 'detached' })
  expect(await going.page.evaluate('document.activeElement.textContent')).toBe('early to app')
  await lineOf(taken, 'late').waitFor()
  endPush(gate.home, early ?? '', 'accepted')
  await going.page.getByText('No push fits these filters.').waitFor()
  await lineOf(taken, 'early').waitFor()
  expect(await taken.page.locator('#pushes .what').allTextContents()).toEqual(
    ['newer', 'late', 'early'].map(agent => `${agent} to app`),
  )

  const closed = taken.page.waitForEvent('requestfailed', isStream)
  await show(taken.page, false)
  await closed
  const [unseen] = writeHistory(gate.home, [{ startedAt: Date.now(), agent: 'unseen' }])
  await lineOf(going, 'unseen').waitFor({ state: 'detached' })
  expect(await taken.page.locator(`#push-${unseen}`).count()).toBe(0)
  await show(taken.page, true)
  await lineOf(taken, 'unseen').waitFor()

  // More than one look brings: the page is opened anew, so that its list has no hole.
  await show(taken.page, false)
  writeHistory(
    gate.home,
    Array.from({ length: 150 }, (_, i) => ({ startedAt: Date.now() + i, agent: `many-${i}` })),
  )
  await Promise.all([taken.page.waitForEvent('load'), show(taken.page, true)])
  await lineOf(taken, 'many-149').waitFor()
  await taken.page.getByRole('link', { name: 'Older pushes' }).waitFor()
  expect([...going.wrong, ...taken.wrong]).toEqual([])
})

test('a push that turns out to be none leaves the open list, and its own page says that it is not there', async () => {
  await using gate = await startGate(nothingIsLost)
  await using watching = await openConsole(browser, gate)
  await using looking = await openConsole(browser, gate)
  const [shown, never] = writeHistory(gate.home, [
    { startedAt: Date.now() - 60_000, agent: 'none', phase: 'receiving', refs: [], outcome: 'open' },
    { startedAt: Date.now() - 90_000, agent: 'unseen', phase: 'receiving', refs: [], outcome: 'open' },
    { startedAt: Date.now() - 80_000, agent: 'stays', outcome: 'open' },
  ])
  await watching.open('/pushes')
  await looking.open(`/pushes/${shown}`)
  for (const { page } of [watching, looking])
    await expect.poll(() => page.locator('#live').textContent()).toBe('live')
  await watching.page.locator(`#push-${shown}`).getByRole('link').focus()

  forgetPush(gate.home, shown ?? '')
  await watching.page.locator(`#push-${shown}`).waitFor({ state: 'detached' })
  expect(await watching.page.evaluate('document.activeElement.textContent')).toBe('stays to app')
  await looking.page.getByRole('heading', { name: 'There is no push of this id' }).waitFor()

  // It is forgotten while nobody looks.
  await show(watching.page, false)
  forgetPush(gate.home, never ?? '')
  await show(watching.page, true)
  await watching.page.locator(`#push-${never}`).waitFor({ state: 'detached' })
  expect(await watching.page.locator('#pushes > li').count()).toBe(1)
  expect([...watching.wrong, ...looking.wrong]).toEqual([])
})

test('a push that has not changed is not sent again, whatever has come since', async () => {
  await using gate = await startGate(nothingIsLost)
  await using operator = await openConsole(browser, gate)
  const startedAt = Date.now() - 58_000
  const [going] = writeHistory(gate.home, [{ startedAt, outcome: 'open' }])
  const response = await fetch(`${gate.url}/-/console/pushes/live`, {
    headers: { ...(await operator.halves()), accept: 'text/event-stream' },
  })
  expect(response.headers.get('cache-control')).toBe('no-store')
  const sent = linesOf(response)
  const nextPush = async () => {
    for (;;) {
      const { value = 'the end' } = await sent.next()
      const [, id] = /^data: {"id":"(\w+)"/.exec(value) ?? []
      if (id) return id
      if (value === 'the end') return value
    }
  }
  expect(await nextPush()).toBe(going)
  await until(
    () => Date.now() > startedAt + 61_000 || undefined,
    seconds(10),
    () => 'it is not a minute ago',
  )
  const [newer] = writeHistory(gate.home, [{ startedAt: Date.now(), agent: 'newer' }])
  expect(await nextPush()).toBe(newer)
  const [newest] = writeHistory(gate.home, [{ startedAt: Date.now(), agent: 'newest' }])
  expect(await nextPush()).toBe(newest)
  await sent.return(undefined)
})

/** What a response says, line by line as it comes. */
async function* linesOf({ body }: Response): AsyncGenerator<string, undefined> {
  if (!body) return
  let rest = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
