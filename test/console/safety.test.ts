import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedGate, startGate } from '../harness/index.ts'
import { openConsole, signIn, startBrowser } from './fixtures/browser.ts'
import { writeHistory } from './fixtures/history.ts'
import { seedGate } from './fixtures/seeded-gate.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

test("a form needs its key, the console's origin, and a signed-in operator", async () => {
  await using gate = await sharedGate()
  await using operator = await openConsole(browser, gate)
  const { page } = operator
  const [cookie, ...more] = await page.context().cookies()
  expect(more).toEqual([])
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/-/console' })
  expect(cookie?.value).not.toContain(gate.adminToken)

  await operator.open('/agents')
  const key = await page.locator('input[name="form-key"]').first().getAttribute('value')
  const send = (headers: Record<string, string>, formKey: string | null) =>
    fetch(`${gate.url}/-/console/agents`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ name: 'mallory', 'form-key': formKey ?? '' }).toString(),
    }).then(response => response.status)
  const signedIn = { cookie: `${cookie?.name}=${cookie?.value}` }
  const origin = gate.url
  expect(await send({ ...signedIn, origin }, 'x'.repeat(43))).toBe(403)
  expect(await send({ ...signedIn, origin: 'https://evil.example' }, key)).toBe(403)
  expect(await send({ ...signedIn, origin: 'null' }, key)).toBe(403)
  expect(await send({ ...signedIn, 'sec-fetch-site': 'cross-site' }, key)).toBe(403)
  expect(await send(signedIn, key)).toBe(403)
  const other = { cookie: `${cookie?.name}=${cookie?.value?.slice(0, -2)}xx` }
  expect(await send({ ...other, origin }, key)).toBe(303)
  expect(await gate.admin.request('GET', '/agents')).toEqual([])
  expect(await send({ ...signedIn, origin }, key)).toBe(303)
  expect(await gate.admin.request('GET', '/agents')).toMatchObject([{ name: 'mallory' }])
})

const TICKS = ['symlinks', 'submodules', 'staleReads', 'expires', 'decision', 'until']

test('no hostile form makes the gate fail', async () => {
  await using gate = await sharedGate()
  await gate.agent('ada', { push: ['ada/**'] })
  await using operator = await openConsole(browser, gate)
  const [cookie] = await operator.page.context().cookies()
  await operator.open('/agents')
  const key = (await operator.page.locator('input[name="form-key"]').first().getAttribute('value')) ?? ''
  const headers = { cookie: `${cookie?.name}=${cookie?.value}`, origin: gate.url }
  const file = new FormData()
  const names = [
    'name',
    'rules',
    'upstream',
    'label',
    'id',
    'repository',
    'fingerprint',
    'token',
    'denyPaths',
  ]
  for (const name of names) file.set(name, new Blob(['x']), 'x')
  file.set('form-key', key)
  // Buffered, because the gate may respond before it has read the body.
  const multipart = new Response(file)
  const urlencoded = 'application/x-www-form-urlencoded'
  const bodies: RequestInit[] = [
    {
      body: await multipart.arrayBuffer(),
      headers: { 'content-type': multipart.headers.get('content-type') ?? '' },
    },
    { body: 'no boundary', headers: { 'content-type': 'multipart/form-data' } },
    { body: `form-key=${key}&rules=%FF%00&name=%00&upstream=%0a`, headers: { 'content-type': urlencoded } },
    {
      body: `form-key=${key}&${names.map(name => `${name}=a&${name}=b`).join('&')}`,
      headers: { 'content-type': urlencoded },
    },
    {
      body: `form-key=${key}&${names.map(name => `${name}[]=a`).join('&')}&maxBlobBytes=1e999`,
      headers: { 'content-type': urlencoded },
    },
    {
      body: `form-key=${key}&maxBlobBytes=-1&rules=${'x'.repeat(200_000)}`,
      headers: { 'content-type': urlencoded },
    },
    { body: `form-key=${key}&__proto__=x&constructor=y`, headers: { 'content-type': urlencoded } },
    {
      body: `form-key=${key}&${TICKS.map(name => `${name}=on`).join('&')}`,
      headers: { 'content-type': urlencoded },
    },
    {
      body: `form-key=${key}&${TICKS.map(name => `${name}=&${name}=yes&${name}=no`).join('&')}`,
      headers: { 'content-type': urlencoded },
    },
    ...['', '.', '..', '%2e%2e%2f'].map(value => ({
      body: `form-key=${key}&${names.map(name => `${name}=${value}`).join('&')}`,
      headers: { 'content-type': urlencoded },
    })),
  ]
  const paths = [
    '/sign-in',
    '/agents',
    '/agents/ada/tokens',
    '/agents/ada/revoke',
    '/agents/ada/grants',
    '/agents/ada/grants/app',
    '/agents/ada/grants/%00',
    '/agents/ada/remove-grant',
    '/agents/%2e%2e/grants/app',
    '/repositories',
    '/repositories/app',
    '/repositories/no%2Fsuch/check',
    '/pending/decide',
    '/pending/revoke',
    '/pending/undo-decline',
  ]
  const failed: string[] = []
  for (const path of paths)
    for (const [i, init] of bodies.entries()) {
      const answer = await fetch(`${gate.url}/-/console${path}`, {
        method: 'POST',
        redirect: 'manual',
        ...init,
        headers: { ...headers, ...init.headers },
      })
      await answer.body?.cancel()
      if (answer.status >= 500) failed.push(`${path} with form ${i}: ${answer.status}`)
    }
  expect(failed).toEqual([])
})

test('a session ends with its token, and every page without a session asks for a sign-in', async () => {
  await using gate = await sharedGate()
  const minted = (await gate.admin.request('POST', '/admin-tokens', { label: 'grace' })) as Record<
    string,
    string
  >
  await using operator = await openConsole(browser, { url: gate.url, adminToken: minted.token ?? '' })
  const { page, open } = operator
  await page.getByText('admin token grace').waitFor()
  await expect.poll(() => page.locator('#live').textContent()).toBe('live')
  await gate.admin.request('DELETE', `/admin-tokens/${minted.id}`)
  await page.getByText('You are signed out.').waitFor()
  const [late] = writeHistory(gate.home, [{ startedAt: Date.now() }])
  expect(await page.locator(`#push-${late}`).count()).toBe(0)
  await page.getByRole('link', { name: 'Sign in again' }).click()
  await signIn(page, gate.adminToken)
  await page.locator(`#push-${late}`).waitFor()

  // Signed out in another tab, while this page had no stream.
  await page.context().clearCookies()
  await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)
  await page.getByText('You are signed out.').waitFor()
  await open('/pending')
  await signIn(page, 'gateadmin_not-one')
  await page.getByRole('alert').waitFor()
  await signIn(page, gate.adminToken)
  await page.waitForURL('**/-/console/pending')
  const at = (path: string) =>
    fetch(`${gate.url}/-/console${path}`, { redirect: 'manual' }).then(response => response.status)
  for (const path of ['', '/pushes', '/pushes/live', '/pending', '/agents', '/overview', '/nowhere'])
    expect(await at(path)).toBe(303)
})

test('a form submitted after the session has ended leads to the sign-in, and back to its page', async () => {
  await using gate = await sharedGate()
  await gate.agent('ada', { push: ['ada/**'] })
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  await open('/agents/ada/grants/app')
  await page.context().clearCookies()
  await page.getByRole('button', { name: 'Save' }).click()
  await signIn(page, 'gateadmin_not-one')
  await page.getByRole('alert').waitFor()
  await signIn(page, gate.adminToken)
  await page.getByRole('heading', { name: 'Grant of ada in app' }).waitFor()

  const redirectTarget = async (form: string, referer?: string) => {
    const answer = await fetch(`${gate.url}/-/console${form}`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        origin: gate.url,
        'content-type': 'application/x-www-form-urlencoded',
        ...(referer === undefined ? {} : { referer }),
      },
      body: 'name=ada',
    })
    expect(answer.status).toBe(303)
    const to = new URL(answer.headers.get('location') ?? '', gate.url)
    expect(to.pathname).toBe('/-/console/sign-in')
    return to.searchParams.get('to')
  }
  expect(await redirectTarget('/agents', `${gate.url}/-/console/pushes?outcome=refused`)).toBe(
    '/-/console/pushes?outcome=refused',
  )
  const elsewhere = [
    'https://evil.example/-/console/pushes',
    `${gate.url}/app.git`,
    `${gate.url}/-/console/../../app.git`,
    '//evil.example/-/console/pushes',
    'no address',
  ]
  for (const referer of [undefined, ...elsewhere])
    expect(await redirectTarget('/agents/ada/tokens', referer)).toBe('/-/console/agents/ada/tokens')
  await open('/agents/ada/tokens')
  await page.getByRole('heading', { name: 'ada', level: 1 }).waitFor()
  expect(operator.errors).toEqual([])
})

test('failed sign-ins are recorded, and too many are rate-limited', async () => {
  await using gate = await startGate({ settings: { GATE_FAILURES_PER_MINUTE: '3' } })
  const attempt = () =>
    fetch(`${gate.url}/-/console/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: gate.url, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'token=guessed',
    }).then(response => response.status)
  const statuses: number[] = []
  // Eight attempts, because a new minute may start between them.
  for (let tries = 0; tries < 8; tries++) statuses.push(await attempt())
  expect(statuses.slice(0, 3)).toEqual([403, 403, 403])
  expect(statuses).toContain(429)
  expect(await gate.admin.request('GET', '/auth-failures')).not.toEqual([])
})

test('every response has the content security policy, and no page has inline scripts or styles', async () => {
  await using gate = await sharedGate()
  const pages = await seedGate(gate)
  await using operator = await openConsole(browser, gate)
  const halves = await operator.halves()
  const { cookie } = halves
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${gate.url}/-/console${path}`, { redirect: 'manual', headers: halves, ...init })
  const answers = [
    ...['', '/agents/', '/pushes/live', '/pushes/none/live', ...pages].map(path => ask(path)),
    // The shell.
    ask('/pushes', { headers: { cookie } }),
    // Signed out.
    ...['/sign-in', '/pushes', '/pushes/live'].map(path => ask(path, { headers: {} })),
    ask('/agents', { method: 'POST' }),
    ask('/sign-in', { method: 'POST', headers: { origin: gate.url }, body: new URLSearchParams('token=x') }),
    ask('/assets/live.js'),
    ask('/assets/none'),
  ]
  for (const answer of answers) {
    const { headers, url, status, body } = await answer
    const at = `${url}: ${status}`
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy, at).toContain("default-src 'none'")
    expect(policy, at).toMatch(/script-src 'nonce-[A-Za-z0-9+/=]+'(;|$)/)
    expect(policy, at).not.toMatch(/unsafe|\*|https?:/)
    expect(headers.get('x-content-type-options'), at).toBe('nosniff')
    expect(headers.get('cache-control'), at).toBe(/assets.live/.test(url) ? 'private, no-cache' : 'no-store')
    if (!headers.get('content-type')?.startsWith('text/html')) await body?.cancel()
    else
      expect(await (await answer).text(), at).not.toMatch(
        /<style|\sstyle=|<script(?![^>]* src=)|<[^>]*\son[a-z]+=/i,
      )
  }
})
