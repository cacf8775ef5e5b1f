import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accepted, rejected, seconds, startGate } from '../harness/index.ts'
import { openConsole, startBrowser } from './browser.ts'
import { writeHistory } from './history.ts'
import { madeUpToken } from './made-up.ts'

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
  await work.commit('Make the search faster', { 'search.ts': 'export const limit = 50\n' })
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
  expect(await page.getByText('No agent has pushed yet.').count()).toBe(0)
  await line.getByText('ada/search').waitFor()
  await using looking = await openConsole(browser, gate)
  await looking.page.getByRole('link', { name: 'ada to app' }).click()
  await looking.page.locator('.timeline').getByText('in progress').waitFor()

  gitleaks.letGo()
  await line.getByText('forwarding').waitFor()
  await looking.page.getByRole('heading', { name: 'ada to app' }).waitFor()
  await looking.page.locator('.state', { hasText: 'forwarding' }).waitFor()

  fs.writeFileSync(held, '')
  expect(await push).toMatchObject(accepted)
  await line.getByText('accepted').waitFor()
  await looking.page.locator('.state', { hasText: 'accepted' }).waitFor()
  await looking.page.getByText('thank you', { exact: true }).waitFor()
  for (const step of ['receiving', 'rules', 'secrets', 'forwarding'])
    await looking.page.locator('.timeline').getByText(step, { exact: true }).waitFor()
  await looking.page.getByRole('link', { name: 'See its commits and its diff' }).click()
  await looking.page.getByText('Make the search faster').waitFor()
  await looking.page.getByText('+export const limit = 50').waitFor()
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
