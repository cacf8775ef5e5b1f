import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { AdminGate } from '../api/fixtures/admin-gate.ts'
import { OTHER, OWN, startGateOfTwo } from '../api/fixtures/two-repositories.ts'

let gate: AdminGate
beforeAll(async () => {
  gate = await startGateOfTwo()
}, 60_000)
afterAll(() => gate?.[Symbol.asyncDispose]())

const Minted = z.object({ id: z.string(), token: z.string() })
const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })

/** Returns a function that sends requests with a new admin token of this role, and returns their status. */
async function operator(role: string, repository: string | null = null) {
  const { token } = Minted.parse(await gate.json('POST', '/admin-tokens', { label: role, role, repository }))
  const send = (method: string, path: string, body?: object) =>
    gate.request(path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return Object.assign(
    async (method: string, path: string, body?: object) => (await send(method, path, body)).status,
    { send },
  )
}

/** Every route of the API's document, with names that do not exist. */
async function routes() {
  const { paths } = Document.parse(await (await fetch(`${gate.url}/-/api/v1/openapi.json`)).json())
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => ({
      route: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path: path.replaceAll(/\{\w+\}/g, 'none'),
    })),
  )
}

const DECISIONS = [
  'POST /exceptions',
  'DELETE /exceptions/{id}',
  'POST /declines',
  'DELETE /declines/{repository}/{fingerprint}',
  'POST /decisions',
  'POST /approvals/{id}/approve',
  'POST /approvals/{id}/reject',
  'POST /repositories/{name}/check',
]
const ADMINS_ONLY = ['GET /admin-tokens', 'GET /webhooks']

test('a viewer reads and changes nothing; an approver decides and changes nothing else', async () => {
  const viewer = await operator('viewer')
  const approver = await operator('approver')
  for (const { route, method, path } of await routes()) {
    const isRead = method === 'GET' && !ADMINS_ONLY.includes(route)
    const body = method === 'GET' ? undefined : {}
    expect([route, (await viewer(method, path, body)) === 403]).toEqual([route, !isRead])
    const maySend = isRead || DECISIONS.includes(route)
    expect([route, (await approver(method, path, body)) === 403]).toEqual([route, !maySend])
  }
  expect(await viewer('GET', '/no-such-route')).toBe(403)
})

test('an operator of one repository reads and decides there only', async () => {
  const approver = await operator('approver', OWN.toUpperCase())
  const seen = await (await approver.send('GET', '/repositories')).json()
  expect(seen).toMatchObject([{ name: OWN }])
  const own = encodeURIComponent(OWN)
  const other = encodeURIComponent(OTHER)
  for (const path of [
    `/pushes?repository=${own}`,
    `/pushes?repository=${own.toUpperCase()}`,
    '/pushes/p1',
    `/export/pushes?repository=${own}`,
    `/pending?repository=${own}`,
    `/exceptions?repository=${own}`,
    `/declines?repository=${own}`,
    `/fetches?repository=${own}`,
    `/lfs-transfers?repository=${own}`,
    `/host-calls?repository=${own}`,
    `/approvals?repository=${own}`,
    `/grants?repository=${own}`,
    `/repositories/${own}`,
    '/status',
  ])
    expect([path, await approver('GET', path)]).toEqual([path, 200])
  for (const path of [
    '/pushes',
    '/pushes?repository=',
    `/pushes?repository=${other}`,
    `/pushes?repository=${other}&repository=${own}`,
    `/pushes?Repository=${own}`,
    '/pushes/p2',
    '/pushes/p2/diff',
    '/pushes/none',
    `/export/pushes?repository=${other}`,
    `/export/pushes?%72epository=${other}&repository=${own}`,
    '/host-calls',
    `/host-calls?repository=${other}`,
    '/approvals',
    `/approvals?repository=${other}`,
    '/approvals/p2',
    '/pending',
    `/pending?repository=${other}`,
    `/repositories/${other}`,
    `/repositories/${other}/status`,
    `/grants/ada/${other}`,
    '/agents',
    '/audit-log',
    '/auth-failures',
    '/identities',
    '/tokens',
  ])
    expect([path, await approver('GET', path)]).toEqual([path, 403])
  expect(await approver('HEAD', `/repositories/${other}`)).toBe(403)
  expect(await approver('GET', `/pushes?repository=${own}&repository=${other}`)).toBe(400)
  expect(await approver('POST', '/approvals/p2/approve')).toBe(403)
  expect(await approver('POST', '/approvals/p2/reject', { reason: 'no', repository: OWN })).toBe(403)
  expect(await (await approver.send('GET', `/pending?repository=${own}`)).json()).toMatchObject({
    pending: [{ push: 'p1' }],
  })
  const decision = { decision: 'decline', reason: 'no', select: {} }
  expect(await approver('POST', '/decisions', { ...decision, repository: OTHER })).toBe(403)
  expect(await approver('POST', '/decisions', { ...decision, repository: [OWN] })).toBe(403)
  expect(await approver('POST', '/decisions', { ...decision, repository: OWN })).toBe(201)
  const exception = { fingerprint: 'f'.repeat(32), reason: 'test value' }
  const foreign = z
    .object({ id: z.string() })
    .parse(await gate.json('POST', '/exceptions', { ...exception, repository: OTHER }))
  expect(await approver('DELETE', `/exceptions/${foreign.id}`)).toBe(403)
  const mine = await approver.send('POST', '/exceptions', { ...exception, repository: OWN })
  const { id } = z.object({ id: z.string() }).parse(await mine.json())
  expect(await approver('DELETE', `/exceptions/${id}`)).toBe(200)
  expect(await gate.json('GET', '/audit-log?limit=1')).toMatchObject({
    entries: [
      { action: 'exception.revoke', subject: id, operator: expect.stringMatching(/^admin token approver/) },
    ],
  })
})

test('an admin of one repository gives grants there, and no rights beyond it', async () => {
  const admin = await operator('admin', OWN)
  const grant = (name: string) => `/grants/ada/${encodeURIComponent(name)}`
  expect(await admin('PUT', grant(OWN), { rules: [] })).toBe(200)
  expect(await admin('PUT', grant(OTHER), { rules: [] })).toBe(403)
  for (const [method, path, body] of [
    ['PUT', `/repositories/${encodeURIComponent(OWN)}`, {}],
    ['DELETE', `/repositories/${encodeURIComponent(OWN)}`, undefined],
    ['POST', '/agents', { name: 'eve' }],
    ['POST', '/tokens', { agent: 'ada', repository: OWN }],
    ['POST', '/admin-tokens', { label: 'mine', repository: OWN }],
    ['PUT', '/operators', { principal: 'email:eve@evil.example', role: 'admin', repository: OWN }],
  ] as const)
    expect([path, await admin(method, path, body)]).toEqual([path, 403])
})

test('the metrics need a viewer of the whole gate', async () => {
  const scrape = async (role: string, repository: string | null) => {
    const { token } = Minted.parse(
      await gate.json('POST', '/admin-tokens', { label: 'prometheus', role, repository }),
    )
    return (await fetch(`${gate.url}/-/metrics`, { headers: { authorization: `Bearer ${token}` } })).status
  }
  expect(await scrape('viewer', null)).toBe(200)
  expect(await scrape('admin', OWN)).toBe(403)
})

test('a role is given once for a name and a place, is on record, and ends with its repository', async () => {
  const role = { principal: 'email:Ada@Acme.Example', role: 'viewer', repository: OTHER.toUpperCase() }
  expect(await gate.json('PUT', '/operators', role)).toMatchObject({
    principal: 'email:ada@acme.example',
    role: 'viewer',
    repository: OTHER,
  })
  await gate.json('PUT', '/operators', { ...role, role: 'approver' })
  await gate.json('PUT', '/operators', { principal: 'group:platform', role: 'admin' })
  await gate.json('PUT', '/operators', { principal: 'group:platform', role: 'viewer' })
  expect(await gate.json('GET', '/operators')).toMatchObject([
    { principal: 'email:ada@acme.example', role: 'approver', repository: OTHER },
    { principal: 'group:platform', role: 'viewer', repository: null },
  ])
  for (const principal of [
    'ada@acme.example',
    'group:',
    'subject:248',
    'subject:https://id.example/#',
    'email:a@b@c',
  ])
    expect((await gate.request('/operators', put({ principal, role: 'admin' }))).status).toBe(400)
  await gate.json('DELETE', '/operators/group%3Aplatform')
  expect(
    (await gate.request('/operators/group%3Aplatform', { method: 'DELETE', headers: authorized() })).status,
  ).toBe(404)
  expect(await gate.json('GET', '/audit-log?limit=1')).toMatchObject({
    entries: [{ action: 'operator.remove', subject: 'group:platform', operator: 'first admin token' }],
  })
  await gate.json('DELETE', `/repositories/${encodeURIComponent(OTHER)}`)
  expect(await gate.json('GET', '/operators')).toEqual([])
})

const authorized = () => ({
  authorization: `Bearer ${gate.adminToken}`,
  'content-type': 'application/json',
})
const put = (body: object) => ({ method: 'PUT', headers: authorized(), body: JSON.stringify(body) })
