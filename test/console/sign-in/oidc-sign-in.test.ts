import type { JWTPayload } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type AdminGate, startAdminGate } from '../../api/fixtures/admin-gate.ts'
import { insertPush } from '../../api/fixtures/recorded-pushes.ts'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  foreignKeys,
  type Issuer,
  signInAt,
  startIssuer,
} from '../fixtures/issuer.ts'

const PROOF = 'a'.repeat(64)

let issuer: Issuer
let gate: AdminGate
beforeAll(async () => {
  issuer = await startIssuer()
  gate = await startAdminGate({
    bindings: {
      GATE_OIDC_ISSUER: issuer.url,
      GATE_OIDC_CLIENT_ID: CLIENT_ID,
      GATE_OIDC_CLIENT_SECRET: CLIENT_SECRET,
    },
  })
  issuer.serve(gate.url)
  issuer.people.set('1', { email: 'Ada@acme.example', email_verified: true, groups: ['platform', 'others'] })
  issuer.people.set('2', { email: 'ada@acme.example', email_verified: false })
  issuer.people.set('3', { email: 'grace@acme.example', email_verified: true })
}, 60_000)
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await issuer?.[Symbol.asyncDispose]()
})
beforeEach(() => {
  issuer.tamper = undefined
})

const at = (path: string) => `${gate.url}/-/console${path}`
const cookieOf = (response: Response) =>
  response.headers
    .getSetCookie()
    .map(cookie => cookie.split(';')[0] ?? '')
    .filter(cookie => !cookie.endsWith('='))
    .join('; ')

/** Begins a sign-in on the console's page, up to the issuer's page. */
async function begin(headers: Record<string, string> = {}) {
  const response = await fetch(at('/sign-in/oidc'), {
    method: 'POST',
    headers: { origin: gate.url, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams({ proof: PROOF, to: '/-/console/repositories' }).toString(),
  })
  const [, url = ''] = /href="([^"]+)"/.exec(await response.text()) ?? []
  return { status: response.status, cookie: cookieOf(response), url: url.replaceAll('&amp;', '&') }
}

/** Comes back from the issuer. */
const comeBack = (url: string, cookie: string) =>
  fetch(url, { redirect: 'manual', headers: { cookie, 'sec-fetch-site': 'cross-site' } })

/** Signs in, and returns the headers of a session. */
async function signIn(subject: string): Promise<Record<string, string>> {
  const { cookie, url } = await begin()
  const back = await comeBack(await signInAt(issuer, url, subject), cookie)
  expect([back.status, back.headers.get('location')]).toEqual([303, '/-/console/repositories'])
  return { cookie: cookieOf(back), 'x-git-gate-proof': PROOF }
}
const page = async (path: string, headers: Record<string, string>) => {
  const response = await fetch(at(path), { headers, redirect: 'manual' })
  return { status: response.status, text: await response.text() }
}
const set = (principal: string, role: string) => gate.json('PUT', '/operators', { principal, role })
const remove = (principal: string) => gate.json('DELETE', `/operators/${encodeURIComponent(principal)}`)

test('a person signs in at the issuer, has no role before an admin gives one, and is on record by name', async () => {
  expect((await page('/sign-in', {})).text).toContain(`Sign in with ${new URL(issuer.url).host}`)
  const ada = await signIn('1')
  const refused = await page('/agents', ada)
  expect(refused.status).toBe(403)
  expect(refused.text).toContain('oidc ada@acme.example has no role')
  await set('email:ada@acme.example', 'admin')
  const agents = await page('/agents', ada)
  expect(agents.status).toBe(200)
  const [, key = ''] = /name="form-key" value="([^"]+)"/.exec(agents.text) ?? []
  const added = await fetch(at('/agents'), {
    method: 'POST',
    redirect: 'manual',
    headers: {
      cookie: ada.cookie ?? '',
      origin: gate.url,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ name: 'made-by-ada', 'form-key': key }).toString(),
  })
  expect(added.status).toBe(303)
  expect(await gate.json('GET', '/audit-log?limit=1')).toMatchObject({
    entries: [{ action: 'agent.add', subject: 'made-by-ada', operator: 'oidc ada@acme.example' }],
  })
  await remove('email:ada@acme.example')
  expect((await page('/agents', ada)).status).toBe(403)
})

test('the session needs the cookie and the proof of the browser that signed in', async () => {
  await set('group:platform', 'viewer')
  const { cookie = '', ...proof } = await signIn('1')
  expect((await page('/pushes', { cookie, ...proof })).text).toContain('signed in as')
  for (const half of [{ cookie }, proof, { cookie, 'x-git-gate-proof': 'b'.repeat(64) }])
    expect((await page('/pushes', half)).text).not.toContain('signed in as')
  await remove('group:platform')
})

test('an address that the issuer has not verified gives no role; group and subject do', async () => {
  await set('email:ada@acme.example', 'admin')
  const unverified = await signIn('2')
  expect((await page('/pushes', unverified)).status).toBe(403)
  await set(`subject:${issuer.url}#2`, 'viewer')
  expect((await page('/pushes', unverified)).status).toBe(200)
  expect((await page('/settings/admin-tokens', unverified)).status).toBe(403)
  await remove('email:ada@acme.example')
  await remove(`subject:${issuer.url}#2`)
  await set('group:platform', 'viewer')
  expect((await page('/pushes', await signIn('1'))).status).toBe(200)
  expect((await page('/pushes', await signIn('3'))).status).toBe(403)
  await remove('group:platform')
})

test('groups count wherever the issuer names them: an ID token may have the address alone', async () => {
  issuer.tamper = claims => ({ claims: { ...claims, email: 'ada@acme.example', email_verified: true } })
  await set('group:platform', 'viewer')
  expect((await page('/pushes', await signIn('1'))).status).toBe(200)
  await remove('group:platform')
})

test('an answer of the issuer begins one session, in the browser that asked, with its own state and code', async () => {
  const { cookie, url } = await begin()
  const other = await begin()
  const answer = await signInAt(issuer, url, '1')
  const otherAnswer = await signInAt(issuer, other.url, '1')
  const change = (changed: Record<string, string | null>) => {
    const altered = new URL(answer)
    for (const [name, value] of Object.entries(changed))
      if (value === null) altered.searchParams.delete(name)
      else altered.searchParams.set(name, value)
    return altered.href
  }
  const code = new URL(otherAnswer).searchParams.get('code')
  const wrong: [string, string][] = [
    [answer, ''],
    [answer, other.cookie],
    [answer, `${cookie.slice(0, -3)}xxx`],
    [change({ state: null }), cookie],
    [change({ state: 'f'.repeat(64) }), cookie],
    [change({ iss: 'https://evil.example' }), cookie],
    [change({ code: null, error: 'access_denied' }), cookie],
    // The code of another sign-in: PKCE binds it to the other state.
    [change({ code }), cookie],
  ]
  for (const [back, held] of wrong) {
    const response = await comeBack(back, held)
    expect([back, response.status, cookieOf(response)]).toEqual([back, 403, ''])
  }
  expect((await comeBack(answer, cookie)).status).toBe(303)
  expect((await comeBack(answer, cookie)).status).toBe(403)
})

test('a state begins one session, although the issuer gives another code for it', async () => {
  const { cookie, url } = await begin()
  const answers = [await signInAt(issuer, url, '1'), await signInAt(issuer, url, '1')]
  const codes = answers.map(answer => new URL(answer).searchParams.get('code'))
  expect(new Set(codes).size).toBe(2)
  const [first, second] = await Promise.all(answers.map(answer => comeBack(answer, cookie)))
  expect([first?.status, second?.status].sort()).toEqual([303, 403])
  const refused = first?.status === 403 ? first : second
  expect(await refused?.text()).toContain('this sign-in was used before')
})

test.each<[string, (claims: JWTPayload) => ReturnType<NonNullable<Issuer['tamper']>>]>([
  ['for another audience', claims => ({ claims: { ...claims, aud: 'another-client' } })],
  ['of another issuer', claims => ({ claims: { ...claims, iss: 'https://evil.example' } })],
  ['for another sign-in', claims => ({ claims: { ...claims, nonce: 'another' } })],
  ['without a nonce', ({ nonce: _, ...claims }) => ({ claims })],
  ['that has expired', claims => ({ claims: { ...claims, iat: 1, exp: 2 } })],
  ['that another key has signed', () => ({ key: foreignKeys.privateKey })],
])('an ID token %s begins no session', async (_, tamper) => {
  issuer.tamper = tamper
  const { cookie, url } = await begin()
  const back = await comeBack(await signInAt(issuer, url, '1'), cookie)
  expect([back.status, cookieOf(back)]).toEqual([403, ''])
})

test('a person who has signed in does as the role allows, by forms of the session alone, for eight hours', async () => {
  const person = 'email:grace@acme.example'
  await set(person, 'viewer')
  const grace = await signIn('3')
  const keyIn = async () => /name="form-key" value="([^"]+)"/.exec((await page('/pushes', grace)).text)?.[1]
  const send = async (path: string, form: Record<string, string>, more: Record<string, string> = {}) => {
    const response = await fetch(at(path), {
      method: 'POST',
      redirect: 'manual',
      headers: {
        cookie: grace.cookie ?? '',
        origin: gate.url,
        'content-type': 'application/x-www-form-urlencoded',
        ...more,
      },
      body: new URLSearchParams({ 'form-key': (await keyIn()) ?? '', ...form }).toString(),
    })
    return { status: response.status, text: await response.text() }
  }
  await gate.json('POST', '/agents', { name: 'ada' })
  await insertPush(gate, 'p1')
  await gate.ledger
    .prepare(
      `INSERT INTO approvals (id, repository, agent, change, asks, needed, created_at, expires_at)
         VALUES ('p1', 'demo', 'ada', 'c', '[]', 2, 0, ?)`,
    )
    .bind(Date.now() + 60_000)
    .run()
  const approve = () => send('/approvals/p1', { decision: 'approve' })
  const approvals = () => gate.json('GET', '/approvals/p1')
  expect((await approve()).text).toContain('this needs approver of demo')
  expect(await approvals()).toMatchObject({ approvedBy: [] })
  await set(person, 'approver')
  await approve()
  expect(await approvals()).toMatchObject({ approvedBy: [{ operator: 'oidc grace@acme.example' }] })
  const change = await send('/agents/ada/remove-grant', { repository: 'demo' })
  expect(change.text).toContain('this needs admin of demo')
  await set(person, 'admin')
  const add = (name: string, form = {}, more = {}) => send('/agents', { name, ...form }, more)
  expect((await add('eve', { 'form-key': '' })).status).toBe(403)
  expect((await add('eve', {}, { origin: 'https://evil.example' })).status).toBe(403)
  expect(JSON.stringify(await gate.json('GET', '/agents'))).not.toContain('eve')
  expect((await add('made-by-grace')).status).toBe(303)

  const [, claims = ''] = (grace.cookie ?? '').split('=')[1]?.split('.') ?? []
  const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'))
  expect((exp - Date.now() / 1000) / 3600).toBeLessThanOrEqual(8)
  await remove(person)
  expect((await page('/pushes', grace)).status).toBe(403)
})

test('another site cannot begin a sign-in, and a sign-in without a proof does not begin', async () => {
  expect((await begin({ origin: 'https://evil.example' })).status).toBe(403)
  expect((await begin({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  const response = await fetch(at('/sign-in/oidc'), {
    method: 'POST',
    headers: { origin: gate.url, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'proof=&to=%2F',
  })
  expect([response.status, cookieOf(response)]).toEqual([403, ''])
})
