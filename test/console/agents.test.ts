import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedGate } from '../harness/index.ts'
import { confirm, openConsole, startBrowser, untilLoaded } from './fixtures/browser.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

/** A shell with a home directory of its own, without git configuration. */
function startShell() {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-machine-'))
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' }
  return {
    home,
    run: (lines: string) =>
      new Promise<{ code: number; output: string }>(resolve => {
        execFile('sh', ['-c', lines], { cwd: home, env }, (error, stdout, stderr) =>
          resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
        )
      }),
    [Symbol.dispose]: () => fs.rmSync(home, { recursive: true }),
  }
}

test('an agent gets a grant and a token; the commands on the page clone; after revoking, the next fetch fails', async () => {
  await using gate = await sharedGate()
  using machine = startShell()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/agents')
  await page.getByRole('textbox', { name: 'Name' }).fill('ada')
  await page.getByRole('button', { name: 'Add' }).click()
  await page.getByRole('heading', { name: 'ada', level: 1 }).waitFor()

  await page.getByText('Add a grant').click()
  await page.getByRole('button', { name: 'Add grant' }).click()
  await page.getByText('refs/heads/ada/**: create, update, force, delete').waitFor()

  await page.getByLabel('Label').fill('a laptop')
  await page.getByRole('button', { name: 'Mint a token' }).click()
  await page.getByText('it is not shown again').waitFor()
  await page.waitForLoadState()
  await expect.poll(() => page.evaluate('document.activeElement.className')).toBe('new-token')
  const token = (await page.locator('#minted-token').textContent()) ?? ''
  expect(token).toMatch(/^gate_[a-z2-7]{10}_[A-Za-z0-9]{32}$/)
  await page.getByRole('button', { name: 'Copy the commands for the agent' }).click()
  await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toContain('git clone')
  const lines = String(await page.evaluate('navigator.clipboard.readText()'))

  expect(await machine.run(lines)).toMatchObject({ code: 0 })
  expect(fs.existsSync(path.join(machine.home, 'app', 'README.md'))).toBe(true)
  expect(fs.readFileSync(path.join(machine.home, 'app/.git/config'), 'utf8')).not.toContain(token)
  expect(await machine.run('git -C app fetch')).toMatchObject({ code: 0 })
  const push =
    'cd app && git -c user.name=Ada -c user.email=ada@example.com commit -q --allow-empty -m Try && git push origin HEAD:refs/heads/ada/try'
  expect(await machine.run(push)).toMatchObject({ code: 0 })
  await open('/agents/ada')
  expect(await page.content()).not.toContain(token)
  const activity = page.getByRole('region', { name: 'Recent activity' }).getByRole('listitem')
  await activity.filter({ hasText: 'accepted' }).getByText('ada/try').waitFor()
  await activity.filter({ hasText: 'fetched' }).getByRole('link', { name: 'app' }).first().waitFor()
  await activity.filter({ hasText: 'fetched' }).getByText('git/').first().waitFor()
  await confirm(page, /^Revoke the token/)
  await page.getByText('1 inactive token').click()
  await page.getByText(/revoked just now/).waitFor()
  const fetchAfterRevoke = await machine.run('git -C app fetch')
  expect(fetchAfterRevoke.code).not.toBe(0)
  expect(operator.errors).toEqual([])
})

test('no token is minted with a lifetime that the form does not offer, or without a lifetime', async () => {
  await using gate = await sharedGate()
  await gate.admin.agent('ada')
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  for (const days of ['91', '', 'constructor']) {
    await open('/agents/ada')
    await page.evaluate(
      `for (const each of document.querySelectorAll('[name=expires] option')) each.value = '${days}'`,
    )
    const response = page.waitForResponse('**/agents/ada/tokens')
    await page.getByRole('button', { name: 'Mint a token' }).click()
    expect((await response).status()).toBe(400)
    await page.getByRole('alert').getByText('30 days, 90 days, 1 year, never').waitFor()
  }
  await open('/agents/ada')
  await page.evaluate(`document.querySelector('[name=expires]').removeAttribute('name')`)
  await page.getByRole('button', { name: 'Mint a token' }).click()
  await page.getByRole('alert').waitFor()
  expect(await gate.admin.request('GET', '/tokens')).toEqual([])
  expect(operator.errors).toEqual([])
})

test('saving a repository does not overwrite a change made since the form was opened', async () => {
  await using gate = await sharedGate()
  const grace = (await gate.admin.request('POST', '/admin-tokens', { label: 'grace' })) as Record<
    string,
    string
  >
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  const before = (await gate.admin.request('GET', '/repositories/app')) as Record<string, string | boolean>
  await open('/repositories/app')
  await page.getByText('Change the settings').click()
  await page.getByLabel(/^gitleaks configuration/).fill('title = "mine"\n')

  const { name: _, createdAt: __, ...settings } = before
  const knownHosts = `# from the host's own page\n${settings.knownHosts}`
  const changed = await fetch(`${gate.url}/-/api/v1/repositories/app`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${grace.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...settings, knownHosts, staleReads: true }),
  })
  expect(changed.status).toBe(200)

  const response = page.waitForResponse(response => response.request().method() === 'POST')
  await page.getByRole('button', { name: 'Save' }).click()
  expect((await response).status()).toBe(409)
  const alert = page.getByRole('alert')
  await alert.getByText(/^admin token grace \(\w+\) has changed these settings/).waitFor()
  await alert.getByText("# from the host's own page").waitFor()
  await alert.getByText('serve stale reads while the upstream is unreachable: yes').waitFor()
  expect(await alert.textContent()).not.toContain('identity:')
  expect(await page.getByLabel(/^gitleaks configuration/).inputValue()).toBe('title = "mine"\n')
  expect(await gate.admin.request('GET', '/repositories/app')).toMatchObject({
    knownHosts,
    staleReads: true,
    gitleaksConfig: '',
  })

  // After the conflict, a second submit overwrites.
  await page.getByLabel(/^Serve stale reads/).check()
  await untilLoaded(page, () => page.getByRole('button', { name: 'Save' }).click())
  await page.getByRole('heading', { name: 'app', level: 1 }).waitFor()
  expect(await page.getByRole('alert').count()).toBe(0)
  expect(await gate.admin.request('GET', '/repositories/app')).toMatchObject({
    knownHosts: settings.knownHosts,
    staleReads: true,
    gitleaksConfig: 'title = "mine"\n',
  })
  expect(operator.errors).toEqual([])
})

test('a repository is added in the console; problems appear above the form, and its connection can be checked', async () => {
  await using gate = await sharedGate()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  const { url, knownHosts } = gate.upstream.at()
  await open('/repositories')
  await page.getByText('Add a repository').click()
  await page.getByRole('textbox', { name: 'Name' }).fill('acme/second')
  await page.getByRole('textbox', { name: 'Upstream' }).fill('git://github.com/acme/second')
  await page.getByLabel('Known hosts').fill(knownHosts)
  await page.getByRole('button', { name: 'Add' }).click()
  await page.getByRole('alert').getByText('only SSH and HTTPS upstreams are supported').waitFor()
  expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('acme/second')
  await page.getByRole('textbox', { name: 'Upstream' }).fill(url)
  await page.getByRole('button', { name: 'Add' }).click()
  await page.getByRole('heading', { name: 'acme/second' }).waitFor()
  await page.getByRole('button', { name: 'Check the connection' }).click()
  await page.getByText('the upstream takes pushes').waitFor()
  await page.getByText(/^ssh-ed25519 /).waitFor()

  await page.getByText('Change the settings').click()
  await page.getByLabel(/^Serve stale reads/).check()
  await untilLoaded(page, () => page.getByRole('button', { name: 'Save' }).click())
  await page.getByText('Change the settings').click()
  expect(await page.getByLabel(/^Serve stale reads/).isChecked()).toBe(true)
  expect(await gate.admin.request('GET', '/repositories/acme%2Fsecond')).toMatchObject({ staleReads: true })
  expect(operator.errors).toEqual([])
})
