import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AdminGate } from '../../api/fixtures/admin-gate.ts'
import {
  AUDIENCE,
  accessKeys,
  foreignKeys,
  startGateBehindAccess,
  TEAM,
} from '../../operators/behind-access.ts'
import { startBrowser } from '../fixtures/browser.ts'

let browser: Browser & AsyncDisposable
let gate: AdminGate
beforeAll(async () => {
  browser = await startBrowser()
  gate = await startGateBehindAccess()
})
afterAll(async () => {
  await gate[Symbol.asyncDispose]()
  await browser[Symbol.asyncDispose]()
})

const assertion = (email: string, { key = accessKeys.privateKey, audience = AUDIENCE, until = '5m' } = {}) =>
  new SignJWT({ email })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuedAt()
    .setIssuer(`https://${TEAM}`)
    .setAudience(audience)
    .setExpirationTime(until)
    .sign(key)

/** A browser behind Access, which adds its assertion to every request. */
async function behindAccess(jwt: string): Promise<{ page: Page } & AsyncDisposable> {
  const context = await browser.newContext({ extraHTTPHeaders: { 'cf-access-jwt-assertion': jwt } })
  return { page: await context.newPage(), [Symbol.asyncDispose]: () => context.close() }
}

test('an operator behind Access needs no sign-in, and the audit log has their e-mail address', async () => {
  await using behind = await behindAccess(await assertion('grace@example.com'))
  const { page } = behind
  await page.goto(`${gate.url}/-/console/agents`)
  await page.getByText('access grace@example.com').waitFor()
  await page.getByRole('textbox', { name: 'Name' }).fill('ada')
  await page.getByRole('button', { name: 'Add' }).click()
  await page.getByRole('heading', { name: 'ada', level: 1 }).waitFor()
  expect(await gate.json('GET', '/audit-log?limit=1')).toMatchObject({
    entries: [{ action: 'agent.add', subject: 'ada', operator: 'access grace@example.com' }],
  })
  await page.goto(`${gate.url}/-/console/pushes`)
  await expect.poll(() => page.locator('#live').textContent()).toBe('live')
  await page.goto(`${gate.url}/-/console/sign-in`)
  await page.waitForURL('**/-/console/pushes')
  expect(await page.context().cookies()).toEqual([])
})

test.for([
  ['another site', 'localhost'],
  ['another origin of the same site', '127.0.0.1'],
])('a redirect from the sign-in of Access, which is %s, leads into the console', async ([, host]) => {
  await using behind = await behindAccess(await assertion('grace@example.com'))
  const { page } = behind
  const elsewhere = createServer((_, response) =>
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<a href="${gate.url}/-/console/agents">go on</a>`),
  ).listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
  try {
    await page.goto(`http://${host}:${(elsewhere.address() as AddressInfo).port}/`)
    await page.getByRole('link', { name: 'go on' }).click()
    await page.getByText('access grace@example.com').waitFor()
  } finally {
    elsewhere.closeAllConnections()
    elsewhere.close()
  }
})

test('signing out ends the session of Access too', async () => {
  await using behind = await behindAccess(await assertion('grace@example.com'))
  const { page } = behind
  await page.goto(`${gate.url}/-/console/agents`)
  // Access itself answers there; this gate stands alone.
  await Promise.all([
    page.waitForRequest(`${gate.url}/cdn-cgi/access/logout`),
    page.getByRole('button', { name: 'Sign out' }).click(),
  ])
})

test.for([
  ['with the key of another', () => assertion('eve@example.com', { key: foreignKeys.privateKey })],
  ['for another application', () => assertion('eve@example.com', { audience: 'b'.repeat(64) })],
  ['of yesterday', () => assertion('eve@example.com', { until: '-1 day' })],
] as const)('an assertion of Access made %s signs no operator in', async ([_, made]) => {
  await using behind = await behindAccess(await made())
  const { page } = behind
  await page.goto(`${gate.url}/-/console/agents`)
  await page.getByLabel('Admin token').waitFor()
})

test('a form submitted after the assertion of Access has expired asks for a sign-in, and changes nothing', async () => {
  await using behind = await behindAccess(await assertion('grace@example.com', { until: '10 s' }))
  const { page } = behind
  await page.goto(`${gate.url}/-/console/agents`)
  await page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true')
  await page.getByRole('textbox', { name: 'Name' }).fill('late')
  await expect
    .poll(
      async () => (await page.request.get(`${gate.url}/-/console/agents`, { maxRedirects: 0 })).status(),
      {
        timeout: 20_000,
      },
    )
    .toBe(303)
  await page.getByRole('button', { name: 'Add' }).click()
  await page.getByLabel('Admin token').waitFor()
  expect(JSON.stringify(await gate.json('GET', '/agents'))).not.toContain('late')
})
