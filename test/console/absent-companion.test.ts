import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAdminGate } from '../api/fixtures/admin-gate.ts'
import { startGate } from '../harness/index.ts'
import { openConsole, startBrowser } from './fixtures/browser.ts'
import { writeHistory } from './fixtures/history.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test.for([
  ['does not run', 404, 'The container is not running'],
  ['sends an invalid response', 200, 'The companion does not respond'],
] as const)('the page of a repository renders although its companion %s', async ([_, status, words]) => {
  await using gate = await startAdminGate({ companion: () => ({ status, body: {} }) })
  await gate.ledger
    .prepare("INSERT INTO identities (name, public_key, created_at) VALUES ('deploy', 'ssh-ed25519 AAAA', 0)")
    .run()
  await gate.ledger
    .prepare(
      "INSERT INTO repositories (name, upstream, identity, known_hosts, created_at) VALUES ('app', 'ssh://git@github.com/acme/app.git', 'deploy', 'x', 0)",
    )
    .run()
  await using operator = await openConsole(browser, gate)
  await operator.open('/repositories/app')
  await operator.page.getByText(words).waitFor()
  expect(operator.errors).toEqual([])

  await gate.ledger
    .prepare(
      `INSERT INTO pushes (id, repository, agent, token_id, started_at, outcome, step, ms, refs, findings, steps,
         exceptions_used, upstream_output, remote_lines, client_address, client_version)
       VALUES ('one', 'app', 'ada', '', 0, 'accepted', '', 1, '[]', '[]', '[]', '[]', '', '[]', '', '')`,
    )
    .run()
  const diff = await operator.content('/pushes/one/diff')
  expect(diff.status()).toBe(502)
  await operator.page.getByRole('alert').getByText('the companion').first().waitFor()
  await operator.page.getByText('Reload the page in a moment').waitFor()
  const missing = await operator.content('/pushes/none/diff')
  expect(missing.status()).toBe(404)
  await operator.page.getByText('there is no push none').waitFor()
})

test('a page that fails to render is an error page of the console', async () => {
  await using gate = await startAdminGate()
  await using operator = await openConsole(browser, gate)
  await gate.ledger.prepare('DROP TABLE pushes').run()
  const response = await operator.content('/pushes')
  expect(response.status()).toBe(500)
  expect(response.headers()['content-security-policy']).toContain("default-src 'none'")
  await operator.page.getByRole('heading', { name: 'The gate failed to render this page' }).waitFor()
  expect(operator.errors.filter(each => !each.startsWith('500 ') && !each.includes('status of 500'))).toEqual(
    [],
  )
})

test('a GET to the path of a form, or to a path with a trailing slash, redirects to a page', async () => {
  await using gate = await startAdminGate()
  await using operator = await openConsole(browser, gate)
  for (const [from, to] of [
    ['/agents/ada/tokens', '/agents/ada'],
    ['/agents/ada/revoke', '/agents/ada'],
    ['/agents/ada/grants', '/agents/ada'],
    ['/agents/ada/remove-grant', '/agents/ada'],
    ['/repositories/acme%2Fapp/check', '/repositories/acme%2Fapp'],
    ['/pending/decide', '/pending'],
    ['/pending/revoke', '/pending'],
    ['/pending/undo-decline', '/pending'],
    ['/sign-out', '/pushes'],
    ['/', '/pushes'],
    ['/agents/', '/agents'],
    ['/pushes/?agent=ada', '/pushes?agent=ada'],
  ] as const) {
    await operator.open(from)
    expect([from, operator.page.url()]).toEqual([from, `${gate.url}/-/console${to}`])
  }
})

test('a companion that hangs delays neither the page of its repository nor the list of pushes', async () => {
  await using gate = await startGate({ settings: { GATE_OPEN_PUSH_TIMEOUT_SECONDS: '86400' } })
  const [going] = writeHistory(gate.home, [{ startedAt: Date.now() - 60_000, outcome: 'open' }])
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await page.locator(`#push-${going}`).waitFor()
  process.kill(gate.companion.pid, 'SIGSTOP')
  try {
    await expect.poll(() => page.locator('#live').textContent()).toBe('live')
    const [newer] = writeHistory(gate.home, [{ startedAt: Date.now(), agent: 'newer' }])
    await page.locator(`#push-${newer}`).waitFor()
    await open(`/pushes/${going}`)
    await expect.poll(() => page.locator('#live').textContent()).toBe('live')
    await open('/repositories/app')
    await page.getByText('The companion does not respond').waitFor()
  } finally {
    process.kill(gate.companion.pid, 'SIGCONT')
  }
  expect(operator.errors).toEqual([])
})
