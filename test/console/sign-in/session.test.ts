import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AdminGate, startAdminGate } from '../../api/fixtures/admin-gate.ts'

let gate: AdminGate
beforeAll(async () => {
  gate = await startAdminGate()
})
afterAll(() => gate?.[Symbol.asyncDispose]())

const FORM = 'application/x-www-form-urlencoded'
const PROOF = 'a'.repeat(64)
const at = (path: string, headers: Record<string, string> = {}, form?: Record<string, string>) =>
  fetch(`${gate.url}/-/console${path}`, {
    redirect: 'manual',
    headers: { ...(form ? { origin: gate.url, 'content-type': FORM } : {}), ...headers },
    ...(form ? { method: 'POST', body: new URLSearchParams(form).toString() } : {}),
  })

/** The cookie of a session that this admin token has begun. */
async function begin(token: string, proof = PROOF): Promise<string> {
  const answer = await at('/sign-in', {}, { token, proof })
  expect(answer.status).toBe(303)
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
}
const whole = (cookie: string, proof = PROOF) => ({ cookie, 'x-git-gate-proof': proof })
const keyIn = async (headers: Record<string, string>) =>
  /name="form-key" value="([^"]+)"/.exec(await (await at('/agents', headers)).text())?.[1] ?? ''
const agents = async () => (await gate.json('GET', '/agents')) as { name: string }[]
const minted = async () =>
  (await gate.json('POST', '/admin-tokens', { label: 'grace' })) as { id: string; token: string }

test('both halves of a session show a page; one half, or half of another one, shows none', async () => {
  const cookie = await begin(gate.adminToken)
  const other = 'b'.repeat(64)
  const another = await begin(gate.adminToken, other)
  expect(await (await at('/agents', whole(cookie))).text()).toContain('signed in as')
  const wrong: Record<string, string>[] = [
    {},
    { cookie },
    { 'x-git-gate-proof': PROOF },
    whole(cookie, other),
    whole(another, PROOF),
    whole(cookie, ''),
    whole(`${cookie.slice(0, -2)}xx`),
  ]
  for (const headers of wrong)
    expect(await (await at('/agents', headers)).text()).not.toMatch(/signed in as|form-key/)
})

test('a form is taken with the key of its own session, and with no other', async () => {
  const cookie = await begin(gate.adminToken)
  const { token } = await minted()
  const another = await begin(token)
  const key = await keyIn(whole(cookie))
  const otherKey = await keyIn(whole(another))
  expect([key.length > 20, otherKey.length > 20, key === otherKey]).toEqual([true, true, false])
  const send = async (form: Record<string, string>, headers: Record<string, string> = { cookie }) =>
    (await at('/agents', headers, { name: 'mallory', ...form })).status
  expect(await send({ 'form-key': otherKey })).toBe(403)
  expect(await send({ 'form-key': '' })).toBe(403)
  expect(await send({})).toBe(403)
  expect(await send({ 'form-key': key }, {})).toBe(303)
  expect(await agents()).toEqual([])
  expect(await send({ 'form-key': key })).toBe(303)
  expect(await agents()).toMatchObject([{ name: 'mallory' }])
  await gate.json('DELETE', '/agents/mallory').catch(() => {})
})

test.each<[string, Record<string, string>, number]>([
  ['from another origin', { origin: 'https://evil.example' }, 403],
  ['from the origin of another port', { origin: 'http://127.0.0.1:1' }, 403],
  ['from no origin that can be told', { origin: 'null' }, 403],
  ['from another site, as the browser says', { 'sec-fetch-site': 'cross-site' }, 403],
  ['from another port, as the browser says', { 'sec-fetch-site': 'same-site' }, 403],
  ['that carries files', { 'content-type': 'multipart/form-data; boundary=x' }, 415],
  ['in plain text', { 'content-type': 'text/plain' }, 415],
])('a form %s is not taken', async (_what, headers, status) => {
  const cookie = await begin(gate.adminToken)
  const key = await keyIn(whole(cookie))
  const before = await agents()
  expect((await at('/agents', { cookie, ...headers }, { name: 'eve', 'form-key': key })).status).toBe(status)
  expect(await agents()).toEqual(before)
})

test('a form that says of no place where it is from, or is too long, is not taken', async () => {
  const cookie = await begin(gate.adminToken)
  const key = await keyIn(whole(cookie))
  const post = (headers: Record<string, string>, name: string) =>
    fetch(`${gate.url}/-/console/agents`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, 'content-type': FORM, ...headers },
      body: new URLSearchParams({ name, 'form-key': key }).toString(),
    })
  expect((await post({}, 'eve')).status).toBe(403)
  expect((await post({ origin: gate.url }, 'x'.repeat(256 << 10))).status).toBe(413)
})

test('a session ends with the admin token that began it', async () => {
  const { id, token } = await minted()
  const cookie = await begin(token)
  const key = await keyIn(whole(cookie))
  expect(key).not.toBe('')
  await gate.json('DELETE', `/admin-tokens/${id}`)
  expect(await (await at('/agents', whole(cookie))).text()).not.toMatch(/signed in as|form-key/)
  expect((await at('/agents', { cookie }, { name: 'late', 'form-key': key })).status).toBe(303)
  expect(await agents()).not.toContainEqual(expect.objectContaining({ name: 'late' }))
})

test('a session lasts eight hours, and its cookie holds neither the token nor the proof', async () => {
  const [, value = ''] = (await begin(gate.adminToken)).split('=')
  const claims = JSON.parse(Buffer.from(value.split('.')[1] ?? '', 'base64url').toString('utf8'))
  expect(claims).toMatchObject({ principal: { token: null }, v: 3 })
  const hours = (claims.exp - Date.now() / 1000) / 3600
  expect(hours).toBeGreaterThan(7.9)
  expect(hours).toBeLessThanOrEqual(8)
  for (const secret of [PROOF, gate.adminToken]) expect(JSON.stringify(claims)).not.toContain(secret)
})

test('who is to sign in comes back to a page of the console, and to no other', async () => {
  const back = async (referer: string) => {
    const answer = await at('/agents', { referer }, { name: 'x' })
    return new URLSearchParams((answer.headers.get('location') ?? '').split('?')[1]).get('to')
  }
  expect(await back(`${gate.url}/-/console/waiting?x=1`)).toBe('/-/console/waiting?x=1')
  for (const elsewhere of ['https://evil.example/-/console/waiting', `${gate.url}/-/api/v1/agents`, 'x'])
    expect(await back(elsewhere)).toBe('/-/console/agents')
})
