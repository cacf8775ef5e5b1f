import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { ApiError } from '../../src/contract/admin-api/common.ts'
import { type AdminGate, seedRepository, startAdminGate } from './fixtures/admin-gate.ts'

let gate: AdminGate
let routes: { method: string; path: string; takesBody: boolean; statuses: string[] }[]
beforeAll(async () => {
  gate = await startAdminGate()
  await seedRepository(gate)
  const Document = z.object({
    openapi: z.string(),
    paths: z.record(
      z.string(),
      z.record(
        z.string(),
        z.object({ requestBody: z.unknown().optional(), responses: z.record(z.string(), z.unknown()) }),
      ),
    ),
  })
  const document = Document.parse(await (await gate.request('/openapi.json')).json())
  routes = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, of]) => ({
      method: method.toUpperCase(),
      path,
      takesBody: of.requestBody !== undefined,
      statuses: Object.keys(of.responses),
    })),
  )
}, 60_000)
afterAll(() => gate[Symbol.asyncDispose]())

const HOSTILE_SEGMENTS = [
  '..%2F..%2Fetc',
  "x'%20OR%20'1'%3D'1",
  '%00',
  '%0a',
  '%',
  '%zz',
  'a'.repeat(3000),
  '%F0%9F%92%A9',
  '__proto__',
  'constructor',
  '%3Cscript%3E',
]

const HOSTILE_BODIES = [
  '',
  '{',
  'null',
  '[]',
  '0',
  '"text"',
  '{}',
  '{"name":null}',
  '{"name":{"$ne":1}}',
  '{"name":["a"]}',
  '{"name":"a\\u0000b"}',
  '{"name":"\\ud800"}',
  '{"name":"../x","agent":"../x"}',
  '{"__proto__":{"x":1},"name":"proto"}',
  '{"name":"x","more":"than asked"}',
  `{"name":"${'x'.repeat(100_000)}"}`,
  '{"agent":"ada","expiresAt":"yesterday"}',
  '{"agent":"ada","expiresAt":"2000-01-01T00:00:00Z"}',
  '{"agent":"ada","expiresAt":1e400}',
  '{"agent":"nobody","repository":"nothing","fingerprint":"f","reason":"r","label":"l"}',
  '{"rules":[{"pattern":"refs/heads/**","allow":["everything"]}]}',
  '{"rules":[{"pattern":"main","allow":["create"]}]}',
  '{"rules":{},"maxBlobBytes":-1}',
  `{"rules":${'['.repeat(5000)}${']'.repeat(5000)}}`,
]

/** Sends a request, and expects a response without internals. */
async function expectHarmless(path: string, init: RequestInit): Promise<Response> {
  const response = await gate.request(path, init)
  const text = await response.clone().text()
  const description = `${init.method} ${path.slice(0, 100)} → ${response.status} ${text.slice(0, 300)}`
  expect(response.status, description).toBeLessThan(500)
  expect(text, description).not.toMatch(/\bat .*\.[jt]s:\d+|SQLITE|D1_ERROR|node_modules/)
  expect(text, description).not.toContain(gate.adminToken)
  if (response.status >= 400) expect(ApiError.safeParse(JSON.parse(text)).success, description).toBe(true)
  return response
}

const fillPath = (path: string, segment: string) => path.replaceAll(/\{\w+\}/g, segment)

test('there are routes to try', () => {
  expect(routes.length).toBeGreaterThan(25)
})

test('every route documents all its statuses', () => {
  for (const { method, path, statuses } of routes)
    for (const status of ['400', '401', '404', '409', '413', '415', '429', '502', '503'])
      expect(statuses, `${method} ${path}`).toContain(status)
})

test('every route needs an admin token', async () => {
  for (const { method, path } of routes)
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const response = await expectHarmless(fillPath(path, 'x'), { method, headers })
      expect(response.status, `${method} ${path}`).toBe(401)
    }
})

test('every route responds to a hostile path', async () => {
  for (const { method, path } of routes)
    for (const segment of path.includes('{') ? HOSTILE_SEGMENTS : [])
      await expectHarmless(fillPath(path, segment), { method, ...json(method === 'GET' ? undefined : '{}') })
}, 60_000)

test('every route responds to a hostile body', async () => {
  for (const { method, path } of routes.filter(route => route.takesBody))
    for (const body of HOSTILE_BODIES) {
      const response = await expectHarmless(fillPath(path, 'ada'), { method, ...json(body) })
      expect(response.status, `${method} ${path} ${body.slice(0, 60)}`).toBeGreaterThanOrEqual(
        body.startsWith('{"__proto__') || (method === 'PUT' && body === '{}') ? 200 : 400,
      )
    }
}, 60_000)

test('an invalid query is rejected', async () => {
  for (const query of ['limit=0', 'limit=x', 'limit=99999', 'outcome=fine', 'since=yesterday', 'since=%00'])
    expect((await expectHarmless(`/pushes?${query}`, json())).status, query).toBe(400)
  for (const query of ['limit=-1', 'cursor=x', 'cursor=1;2'])
    expect((await expectHarmless(`/audit-log?${query}`, json())).status, query).toBe(400)
  expect((await expectHarmless('/pushes?agent=%27%20OR%201=1&cursor=%27--', json())).status).toBe(200)
})

test('a query parameter that the route does not have is refused, with those that it has', async () => {
  for (const { method, path } of routes) {
    const response = await expectHarmless(`${fillPath(path, 'x')}?repositry=app`, {
      method,
      ...json(method === 'GET' ? undefined : '{}'),
    })
    expect(await response.json(), `${method} ${path}`).toMatchObject({
      error: { message: expect.stringContaining(`"repositry"; ${method} ${path} has `) },
    })
    expect(response.status).toBe(400)
  }
  const misspelt = await gate.request('/operators/email%3Aada@acme.example?repo=app', {
    method: 'DELETE',
    ...json(),
  })
  expect(await misspelt.json()).toMatchObject({
    error: { message: 'unknown query parameter "repo"; DELETE /operators/{principal} has repository' },
  })
})

test('only a fingerprint in the form of the gate is taken for an exception or a decline', async () => {
  const own = 'a1'.repeat(16)
  const repository = 'github.com/acme/app'
  const place = `/declines/${encodeURIComponent(repository)}`
  const statusOf = async (method: string, path: string, body?: object) =>
    (await expectHarmless(path, { method, ...json(body && JSON.stringify(body)) })).status
  const gitleaks = `${'a'.repeat(40)}:settings.py:github-pat:1`
  for (const bad of [gitleaks, 'a', own.toUpperCase(), `${own} `, `${own}0`]) {
    const request = { repository, fingerprint: bad, reason: 'r' }
    expect(await statusOf('POST', '/exceptions', request), bad).toBe(400)
    expect(await statusOf('POST', '/declines', request), bad).toBe(400)
    expect(await statusOf('DELETE', `${place}/${encodeURIComponent(bad)}`), bad).toBe(400)
    const decision = { repository, decision: 'allow', reason: 'r', select: { fingerprints: [bad] } }
    expect(await statusOf('POST', '/decisions', decision), bad).toBe(400)
  }
  const refused = await gate.request('/exceptions', {
    method: 'POST',
    ...json(JSON.stringify({ repository, fingerprint: gitleaks, reason: 'r' })),
  })
  expect(await refused.json()).toMatchObject({
    error: { message: expect.stringContaining('has 32 of the characters 0-9 and a-f') },
  })
  expect(await statusOf('POST', '/declines', { repository, fingerprint: own })).toBe(201)
  expect(await statusOf('DELETE', `${place}/${own}`)).toBe(200)
})

test('a body that is not JSON, or too large, is rejected', async () => {
  const form = { headers: { ...json().headers, 'content-type': 'application/x-www-form-urlencoded' } }
  expect((await expectHarmless('/agents', { method: 'POST', ...form, body: 'name=x' })).status).toBe(415)
  const large = JSON.stringify({ name: 'x'.repeat(600 << 10) })
  expect((await expectHarmless('/agents', { method: 'POST', ...json(large) })).status).toBe(413)
})

test('a PUT without a body does not empty a grant', async () => {
  const emptyPut = await expectHarmless('/grants/ada/github.com%2Facme%2Fapp', {
    method: 'PUT',
    headers: { authorization: json().headers.authorization },
  })
  expect(emptyPut.status).toBe(400)
})

test('an expiry after the year 9999 is rejected', async () => {
  const token = { agent: 'ada', expiresAt: '9999-12-31T23:59:59-01:00' }
  expect((await expectHarmless('/tokens', { method: 'POST', ...json(JSON.stringify(token)) })).status).toBe(
    400,
  )
})

test('an unknown route or method is a 404 in JSON', async () => {
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/nothing'],
    ['PATCH', '/agents'],
    ['DELETE', '/agents'],
    ['POST', '/agents/ada'],
    ['OPTIONS', '/agents'],
    ['GET', '/repositories/github.com/acme/app'],
  ] as const)
    expect(
      (await expectHarmless(path, { method, headers: json().headers })).status,
      `${method} ${path}`,
    ).toBe(404)
})

test('the reference page loads no external resources', async () => {
  const page = await gate.request('/reference', { headers: {} })
  const text = await page.text()
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(text).not.toMatch(/(src|href)="(https?:)?\/\//)
  for (const { path } of routes) expect(text).toContain(`<code>${path}</code>`)
})

const json = (body?: string) => ({
  headers: {
    authorization: `Bearer ${gate.adminToken}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  },
  ...(body === undefined ? {} : { body }),
})
