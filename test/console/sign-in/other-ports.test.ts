import { once } from 'node:events'
import { createServer } from 'node:http'
import net from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAdminGate } from '../../api/fixtures/admin-gate.ts'
import { sharedGate } from '../../harness/index.ts'
import { openConsole, signIn, startBrowser } from '../fixtures/browser.ts'
import { seedGate } from '../fixtures/seeded-gate.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

/** A server of somebody else on this machine, such as an agent's own; it notes every cookie that it is sent. */
async function startThief(page = 'a demo of my work <img src="/-/console/pixel.png">') {
  const cookies = new Set<string>()
  const server = createServer((request, response) => {
    if (request.headers.cookie) cookies.add(request.headers.cookie)
    response.writeHead(200, { 'content-type': 'text/html' }).end(page)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    cookies,
    port: (server.address() as net.AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Text that only a signed-in operator may see. */
const DATA = /signed in as|form-key|first admin token|refs\/heads|ada to app|generic-api-key/

/** Everything that a thief may send along with a cookie. */
function guesses(cookie: string): Record<string, string>[] {
  const value = cookie.split('=').slice(1).join('=')
  const claims = JSON.parse(Buffer.from(value.split('.')[0] ?? '', 'base64url').toString('utf8'))
  return [
    {},
    ...['', 'x', '0'.repeat(64), value, claims.proof, claims.id].map(proof => ({
      'x-git-gate-proof': proof,
    })),
  ].map(proof => ({ cookie, ...proof }))
}

test('a cookie that the browser sends to another port shows nothing and changes nothing', async () => {
  await using gate = await sharedGate()
  const pages = await seedGate(gate)
  await using operator = await openConsole(browser, gate)
  const { page } = operator
  const own = new URL(page.url())
  expect(own.hostname).toBe('git-gate.localhost')

  await using elsewhere = await startThief()
  await page.goto(`http://127.0.0.1:${elsewhere.port}/`)
  await page.goto(`http://localhost:${elsewhere.port}/-/console/pushes`)
  expect([...elsewhere.cookies]).toEqual([])

  await using thief = await startThief()
  await page.goto(`http://${own.hostname}:${thief.port}/-/console/pushes`)
  const [cookie = '', ...more] = thief.cookies
  expect(more).toEqual([])
  // So it must be worth nothing.
  expect(cookie).toMatch(/^git-gate=/)
  for (const headers of guesses(cookie)) {
    for (const path of [...pages, '', '/pushes/live', `${pages[1]}/live`]) {
      const answer = await fetch(`${gate.url}/-/console${path}`, { headers })
      expect(await answer.text(), path).not.toMatch(DATA)
    }
    const live = await fetch(`${gate.url}/-/console/pushes/live`, {
      headers: { ...headers, accept: 'text/event-stream' },
    })
    expect(await live.text()).toBe('event: signed-out\ndata:\n\n')
    for (const [path, fields] of [
      ['/agents', { name: 'mallory' }],
      ['/agents/ada/tokens', { label: 'stolen', expires: '' }],
      ['/pending/decide', { decision: 'allow' }],
      ['/sign-out', {}],
    ] as const)
      for (const key of ['', 'x', headers['x-git-gate-proof'] ?? '']) {
        const answer = await fetch(`${gate.url}/-/console${path}`, {
          method: 'POST',
          redirect: 'manual',
          headers: { ...headers, origin: gate.url, 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({ ...fields, 'form-key': key }).toString(),
        })
        expect([path, answer.status, await answer.text()]).toEqual([
          path,
          403,
          expect.not.stringMatching(/gate_[a-z2-7]{10}_/),
        ])
      }
  }
  expect(await gate.admin.request('GET', '/agents')).toMatchObject([{ name: 'ada' }])
  expect(JSON.stringify(await gate.admin.request('GET', '/tokens'))).not.toContain('stolen')
  // The operator is signed in as before.
  await operator.open('/agents')
  await page.getByTitle('signed in as').waitFor()
})

test('a page of another port, in the very browser, neither reads the console nor sends its forms', async () => {
  await using gate = await sharedGate()
  await gate.agent('ada', { push: ['ada/**'] })
  await using operator = await openConsole(browser, gate)
  const { page } = operator
  const { origin, hostname } = new URL(page.url())
  await using thief = await startThief(`<form method="post" action="${origin}/-/console/agents">
    <input name="name" value="mallory"><button>Send</button></form>`)
  await page.goto(`http://${hostname}:${thief.port}/`)
  expect(await page.evaluate('[document.cookie, localStorage.length]')).toEqual(['', 0])
  const tried = await page.evaluate(`Promise.all([
    fetch('${origin}/-/console/agents', { credentials: 'include' }),
    fetch('${origin}/-/console/agents', { credentials: 'include', headers: { 'x-git-gate-proof': '' } }),
    fetch('${origin}/-/console/assets/shell.js', { credentials: 'include' }),
  ].map(asked => asked.then(() => 'read', () => 'blocked')))`)
  expect(tried).toEqual(['blocked', 'blocked', 'blocked'])
  const framed = await page.evaluate(`new Promise(resolve => {
    const frame = document.createElement('iframe')
    frame.src = '${origin}/-/console/agents'
    frame.onload = () => resolve(frame.contentDocument === null ? 'closed' : 'open')
    document.body.append(frame)
  })`)
  expect(framed).toBe('closed')
  expect(page.frames().every(frame => !frame.url().startsWith(origin))).toBe(true)
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('was not sent from the console').waitFor()
  expect(await gate.admin.request('GET', '/agents')).toMatchObject([{ name: 'ada' }])
})

test('where the console has no host name of its own, a copied cookie opens nothing either', async () => {
  await using gate = await startAdminGate()
  await using operator = await openConsole(browser, gate)
  await using thief = await startThief()
  await operator.page.goto(`http://127.0.0.1:${thief.port}/-/console/pushes`)
  const [cookie = ''] = thief.cookies
  expect(cookie).toMatch(/^git-gate=/)
  for (const headers of guesses(cookie))
    expect(await (await fetch(`${gate.url}/-/console/agents`, { headers })).text()).not.toMatch(
      /signed in as|form-key/,
    )
})

test('signing out takes the proof out of the browser, and a page without it asks to sign in', async () => {
  await using gate = await sharedGate()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  const proof = () => page.evaluate(`localStorage.getItem('git-gate-proof')`)
  const first = await proof()
  expect(first).toMatch(/^[0-9a-f]{64}$/)
  const cookies = await page.context().cookies()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Admin token').waitFor()
  // The page to sign in has made another one.
  expect(await proof()).not.toBe(first)
  await page.context().addCookies(cookies)
  await open('/agents')
  await page.waitForURL('**/sign-in?to=*')
  await signIn(page, gate.adminToken)
  await page.waitForURL('**/agents')
  await page.getByTitle('signed in as').waitFor()
  expect(operator.errors).toEqual([])
})

test('a second page of the same browser is signed in too, and Back shows the page that was left', async () => {
  await using gate = await sharedGate()
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  const other = await page.context().newPage()
  await other.goto(`${gate.url}/-/console/overview`)
  await other.getByTitle('signed in as').waitFor()
  await open('/agents')
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.waitForURL('**/overview')
  await page.goBack()
  await page.getByRole('heading', { name: 'Agents' }).first().waitFor()
})

test('a sign-in without a proof, as of a browser that runs no script, begins no session', async () => {
  await using gate = await startAdminGate()
  for (const proof of [undefined, '', 'x', '0'.repeat(63), `${'0'.repeat(64)}\n`]) {
    const answer = await fetch(`${gate.url}/-/console/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: gate.url, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        token: gate.adminToken,
        ...(proof === undefined ? {} : { proof }),
      }).toString(),
    })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(await answer.text()).toContain('could not run its script')
  }
})

test('over TLS the cookie is of this host alone, also where TLS ends at a proxy', async () => {
  await using gate = await startAdminGate()
  const proof = 'a'.repeat(64)
  const answer = await fetch(`${gate.url}/-/console/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      origin: gate.url.replace('http:', 'https:'),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ token: gate.adminToken, proof }).toString(),
  })
  expect(answer.status).toBe(303)
  const set = answer.headers.get('set-cookie') ?? ''
  expect(set).toMatch(/^__Host-git-gate=/)
  for (const attribute of ['Path=/', 'Secure', 'HttpOnly', 'SameSite=Strict'])
    expect(set.split('; ')).toContain(attribute)
  expect(set).not.toMatch(/domain/i)
  const shown = await fetch(`${gate.url}/-/console/agents`, {
    headers: { cookie: set.split(';')[0] ?? '', 'x-git-gate-proof': proof },
  })
  expect(await shown.text()).toContain('signed in as')
})

test("the console's origin is the gate's on [::1] too, where browsers look first", async () => {
  await using gate = await sharedGate()
  const taken = net.createServer()
  const [error] = await Promise.race([
    once(taken.listen({ port: gate.port, host: '::1', ipv6Only: true }), 'error'),
    once(taken, 'listening').then(() => ['listening']),
  ])
  taken.close()
  if (error instanceof Error && 'code' in error && error.code === 'EADDRNOTAVAIL') return
  expect(error).toMatchObject({ code: 'EADDRINUSE' })
  expect((await fetch(`http://[::1]:${gate.port}/-/health`)).status).toBe(200)
})
