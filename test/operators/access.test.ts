import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { AdminGate } from '../api/fixtures/admin-gate.ts'
import { AUDIENCE, accessKeys, foreignKeys, startGateBehindAccess, TEAM } from './behind-access.ts'

let gate: AdminGate
beforeAll(async () => {
  gate = await startGateBehindAccess()
}, 60_000)
afterAll(() => gate[Symbol.asyncDispose]())

const as = (authorization: string | undefined, more: Record<string, string> = {}) => ({
  headers: { ...(authorization === undefined ? {} : { authorization }), ...more },
})

test.each([
  ['no token', undefined],
  ['an empty token', 'Bearer '],
  ['an unknown token', `Bearer ${'x'.repeat(48)}`],
  ['a token with a wrong secret', `Bearer gateadmin_aaaaaaaaaa_${'A'.repeat(32)}`],
  ["an agent's token", `Bearer gate_aaaaaaaaaa_${'A'.repeat(32)}`],
  ['a password', `Basic ${btoa('admin:admin')}`],
  ['two words', 'Bearer a b'],
])('%s is not authenticated', async (_, authorization) => {
  const response = await gate.request('/agents', as(authorization))
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toContain('Bearer')
  expect(await response.json()).toMatchObject({ error: { code: 'unauthenticated', fix: expect.any(String) } })
})

test('a minted admin token is valid until it is revoked, and the audit log has its label', async () => {
  const minted = Minted.parse(await gate.json('POST', '/admin-tokens', { label: 'ops' }))
  const theirs = (init: RequestInit = {}) => ({
    ...init,
    headers: { authorization: `Bearer ${minted.token}`, 'content-type': 'application/json' },
  })
  expect(
    (await gate.request('/agents', theirs({ method: 'POST', body: '{"name":"made-by-ops"}' }))).status,
  ).toBe(201)
  expect(await gate.json('GET', '/audit-log?limit=1')).toMatchObject({
    entries: [{ action: 'agent.add', subject: 'made-by-ops', operator: expect.stringContaining('ops') }],
  })
  expect(await gate.json('GET', '/admin-tokens')).toMatchObject([
    { id: minted.id, lastUsedAt: expect.any(String) },
  ])
  await gate.json('DELETE', `/admin-tokens/${minted.id}`)
  expect((await gate.request('/agents', theirs())).status).toBe(401)
})

test('an expired admin token is not authenticated', async () => {
  const minted = Minted.parse(
    await gate.json('POST', '/admin-tokens', { label: 'brief', expiresAt: '2999-01-01T00:00:00Z' }),
  )
  await gate.ledger
    .prepare('UPDATE admin_tokens SET expires_at = ? WHERE id = ?')
    .bind(Date.now(), minted.id)
    .run()
  expect((await gate.request('/agents', as(`Bearer ${minted.token}`))).status).toBe(401)
})

test('the ledger stores only the hash of a token', async () => {
  await gate.json('POST', '/agents', { name: 'hashed' })
  const minted = Minted.parse(await gate.json('POST', '/tokens', { agent: 'hashed' }))
  const admin = Minted.parse(await gate.json('POST', '/admin-tokens', { label: 'x' }))
  const dump = await gate.dump()
  for (const { id, token } of [minted, admin]) {
    expect(dump).toContain(id)
    expect(dump).not.toContain(token.split('_')[2])
  }
})

const Minted = z.object({ id: z.string(), token: z.string() })

const assertion = (
  claims: Record<string, unknown>,
  key = accessKeys.privateKey,
  issuer = `https://${TEAM}`,
) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuedAt()
    .setIssuer(issuer)
    .setAudience(AUDIENCE)
    .setExpirationTime('5m')
    .sign(key)
const by = (jwt: string, more: Record<string, string> = {}) =>
  as(undefined, { 'cf-access-jwt-assertion': jwt, ...more })

test('an assertion of Cloudflare Access is authenticated, and the audit log has the e-mail address', async () => {
  const jwt = await assertion({ email: 'ada@example.com' })
  expect((await gate.request('/agents', by(jwt))).status).toBe(200)
  const status = await gate.request('/status', by(jwt))
  expect(await status.json()).toMatchObject({ operator: 'access ada@example.com' })
  const service = await assertion({ common_name: 'ci.access' })
  expect(await (await gate.request('/status', by(service))).json()).toMatchObject({
    operator: 'access service ci.access',
  })
})

test('a person whom Access authenticates has no role before an admin gives one, and none after it is taken', async () => {
  const jwt = await assertion({ email: 'Heidi@example.com' })
  const status = async () => (await gate.request('/agents', by(jwt))).status
  expect(await status()).toBe(403)
  await gate.json('PUT', '/operators', { principal: 'email:heidi@example.com', role: 'viewer' })
  expect(await status()).toBe(200)
  await gate.json('DELETE', '/operators/email%3Aheidi%40example.com')
  expect(await status()).toBe(403)
})

test('an assertion that Access did not make for this gate is not authenticated', async () => {
  const good = await assertion({ email: 'ada@example.com' })
  const [header, body, signature] = good.split('.')
  const forged = btoa(JSON.stringify({ email: 'eve@example.com' })).replaceAll('=', '')
  const base = new SignJWT({ email: 'a@b.co' })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuer(`https://${TEAM}`)
  const hmac = new SignJWT({ email: 'a@b.co' })
    .setProtectedHeader({ alg: 'HS256', kid: 'one' })
    .setIssuedAt()
    .setIssuer(`https://${TEAM}`)
    .setAudience(AUDIENCE)
    .setExpirationTime('5m')
  const endless = new SignJWT({ email: 'a@b.co' })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuedAt()
    .setIssuer(`https://${TEAM}`)
    .setAudience(AUDIENCE)
  const wrong = [
    'x',
    'a.b.c',
    `${header}.${forged}.${signature}`,
    `${btoa('{"alg":"none"}').replaceAll('=', '')}.${body}.`,
    await assertion({ email: 'eve@example.com' }, foreignKeys.privateKey),
    await assertion({ email: 'eve@example.com' }, accessKeys.privateKey, 'https://evil.cloudflareaccess.com'),
    await assertion({}),
    await assertion({ email: 'eve' }),
    await endless.sign(accessKeys.privateKey),
    await base.setIssuedAt().setAudience('another').setExpirationTime('5m').sign(accessKeys.privateKey),
    await base.setIssuedAt(0).setAudience(AUDIENCE).setExpirationTime(1).sign(accessKeys.privateKey),
    await hmac.sign(
      new TextEncoder().encode(accessKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString()),
    ),
  ]
  for (const jwt of wrong) expect((await gate.request('/agents', by(jwt))).status, jwt).toBe(401)
})

test("another site cannot use an operator's browser", async () => {
  const jwt = await assertion({ email: 'ada@example.com' })
  for (const more of [
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'null' },
  ])
    expect((await gate.request('/agents', by(jwt, more))).status).toBe(401)
  expect(
    (await gate.request('/agents', by(jwt, { origin: gate.url, 'sec-fetch-site': 'same-origin' }))).status,
  ).toBe(200)
})

test('a pass of the Worker is good for a minute, and each for one request', async () => {
  for (const name of ['one', 'two']) await gate.json('POST', '/identities', { name })
  const passes = gate.companionRequests.slice(-2).map(({ pass }) => pass)
  expect(new Set(passes.map(({ id }) => id)).size).toBe(2)
  for (const { exp } of passes) {
    const left = exp - Date.now() / 1000
    expect(left).toBeGreaterThan(30)
    expect(left).toBeLessThanOrEqual(61)
  }
})
