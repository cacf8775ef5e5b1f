import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAdminGate } from '../api/admin-gate.ts'
import { openConsole, startBrowser } from './browser.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test.for([
  ['does not run', 404, 'The container is not running'],
  ['answers oddly', 200, 'The companion does not answer now'],
] as const)('the page is there for a repository whose companion %s', async ([_, status, words]) => {
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
  expect(operator.wrong).toEqual([])
})
