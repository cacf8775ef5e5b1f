import { expect, test } from 'vitest'
import { startAdminGate } from './fixtures/admin-gate.ts'

test('failed authentications are limited and recorded, and valid tokens still work', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_FAILURES_PER_MINUTE: '5' } })
  const requestWithWrongPassword = (path: string) =>
    fetch(`${gate.url}${path}`, { headers: { authorization: `Basic ${btoa('ada:x')}` } })
  const statuses: number[] = []
  // More than twice the limit, because a new minute may start between requests.
  for (let i = 0; i < 12; i++)
    statuses.push((await requestWithWrongPassword('/demo.git/info/refs?service=git-upload-pack')).status)
  expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401])
  expect(statuses).toContain(429)
  const refused = await requestWithWrongPassword('/demo.git/info/refs?service=git-upload-pack')
  if (refused.status === 429) {
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.get('www-authenticate')).toBeNull()
    expect(await refused.text()).toMatch(/^git-gate: too many .*wait \d+ s/)
  }
  expect(await gate.json('GET', '/auth-failures')).toMatchObject([
    { address: 'unknown', count: expect.any(Number) },
  ])
  expect((await gate.request('/agents')).status).toBe(200)
})

test('the console limits failed authentications too', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_FAILURES_PER_MINUTE: '5' } })
  const statuses: number[] = []
  for (let i = 0; i < 12; i++) {
    const headers = { authorization: `Bearer gateadmin_aaaaaaaaaa_${i}` }
    const answer = await fetch(`${gate.url}/-/console/pushes`, { headers, redirect: 'manual' })
    statuses.push(answer.status)
  }
  expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401])
  expect(statuses).toContain(429)
  expect(await gate.json('GET', '/auth-failures')).toMatchObject([{ address: 'unknown' }])
})

test('a token with too many requests is told to wait', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_REQUESTS_PER_MINUTE: '3' } })
  const statuses: number[] = []
  for (let i = 0; i < 8; i++) statuses.push((await gate.request('/agents')).status)
  expect(statuses.slice(0, 3)).toEqual([200, 200, 200])
  expect(statuses).toContain(429)
  const path = '/demo.git/git-upload-pack'
  const fetchBodies: string[] = []
  for (let i = 0; i < 8; i++)
    fetchBodies.push(
      await (await fetch(gate.url + path, { method: 'POST', headers: { authorization: 'Bearer x' } })).text(),
    )
  expect(fetchBodies.join()).toMatch(/[0-9a-f]{4}ERR git-gate: at most 3 requests a minute; wait \d+ s/)
  const pushBodies: string[] = []
  for (let i = 0; i < 8; i++) {
    const push = { method: 'POST', headers: { authorization: 'Bearer y' }, body: 'x'.repeat(100_000) }
    pushBodies.push(await (await fetch(`${gate.url}/demo.git/git-receive-pack`, push)).text())
  }
  expect(pushBodies.join()).toMatch(/[0-9a-f]{4}\x02git-gate: at most 3 requests a minute/)
  expect(pushBodies.join()).toMatch(/\x01[0-9a-f]{4}unpack git-gate: at most 3 requests a minute; wait \d+ s/)
})

test('requests of a token are counted in every spelling of the header', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_REQUESTS_PER_MINUTE: '3' } })
  const headerVariant = (i: number) =>
    i % 2
      ? `${['bearer', 'Bearer', 'BEARER', 'beareR'][i % 4]}${' '.repeat(1 + i)}x`
      : `Basic ${btoa(`agent-${i}:x`)}`
  const statuses: number[] = []
  // A new minute may begin in between.
  for (let i = 0; i < 8; i++)
    statuses.push((await fetch(`${gate.url}/demo`, { headers: { authorization: headerVariant(i) } })).status)
  expect(statuses.slice(0, 3)).toEqual([401, 401, 401])
  expect(statuses).toContain(429)
})

test('requests for LFS objects are counted apart, and may be ten times as many', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_REQUESTS_PER_MINUTE: '3' } })
  const statusesOf = async (path: string, requests: number) => {
    const statuses: number[] = []
    for (let i = 0; i < requests; i++) statuses.push((await fetch(gate.url + path)).status)
    return statuses
  }
  const object = `/demo.git/info/lfs/objects/${'0'.repeat(64)}?size=1`
  // A new minute may begin in between.
  expect(await statusesOf('/demo', 70)).toContain(429)
  expect(new Set(await statusesOf(object, 60))).toEqual(new Set([401]))
  expect(await statusesOf(object, 610)).toContain(429)
})
