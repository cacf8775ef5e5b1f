import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { projectRoot } from '../../local/bundle.ts'
import { migrate } from '../../local/migrations.ts'
import { until } from '../harness/until.ts'
import { type AdminGate, hostKey, startAdminGate } from './admin-gate.ts'

const DAY_MS = 86_400_000

const push = (gate: AdminGate, id: string, at = Date.now()) =>
  gate.ledger
    .prepare(
      "INSERT INTO pushes (id, repository, agent, token, started_at) VALUES (?, 'demo', 'ada', 'aaaaaaaaaa', ?)",
    )
    .bind(id, at)
    .run()
const FINDING = {
  rule: 'generic-api-key',
  path: 'a',
  line: 1,
  commit: 'c',
  fingerprint: 'c:a:generic-api-key:1',
}
const settle = (gate: AdminGate, id: string, outcome: string, findings: object[] = []) =>
  gate.ledger
    .prepare('UPDATE pushes SET outcome = ?, findings = ?, ms = 1500, steps = ? WHERE id = ?')
    .bind(outcome, JSON.stringify(findings), JSON.stringify([{ step: 'secrets', ms: 500 }]), id)
    .run()

const scrape = (gate: AdminGate) =>
  fetch(`${gate.url}/-/metrics`, { headers: { authorization: `Bearer ${gate.adminToken}` } })

test('guessing is slowed down and on record, and who has a token that holds is not locked out', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_FAILURES_PER_MINUTE: '5' } })
  const guess = (path: string) =>
    fetch(`${gate.url}${path}`, { headers: { authorization: `Basic ${btoa('ada:x')}` } })
  const statuses: number[] = []
  // One more than the limit twice over: a new minute may begin in between.
  for (let i = 0; i < 12; i++)
    statuses.push((await guess('/demo.git/info/refs?service=git-upload-pack')).status)
  expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401])
  expect(statuses).toContain(429)
  const refused = await guess('/demo.git/info/refs?service=git-upload-pack')
  if (refused.status === 429) {
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.get('www-authenticate')).toBeNull()
    expect(await refused.text()).toMatch(/^git-gate: too many .*wait \d+ s/)
  }
  expect(await gate.json('GET', '/failures')).toMatchObject([
    { address: '127.0.0.1', count: expect.any(Number) },
  ])
  expect((await gate.ask('/agents')).status).toBe(200)
})

test('an admin token is guessed no faster in the console than anywhere else', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_FAILURES_PER_MINUTE: '5' } })
  const statuses: number[] = []
  for (let i = 0; i < 12; i++) {
    const headers = { authorization: `Bearer gateadmin_aaaaaaaaaa_${i}` }
    const answer = await fetch(`${gate.url}/-/console/pushes`, { headers, redirect: 'manual' })
    statuses.push(answer.status)
  }
  expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401])
  expect(statuses).toContain(429)
  expect(await gate.json('GET', '/failures')).toMatchObject([{ address: '127.0.0.1' }])
})

test('a token that asks too often is told to wait', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_REQUESTS_PER_MINUTE: '3' } })
  const statuses: number[] = []
  for (let i = 0; i < 8; i++) statuses.push((await gate.ask('/agents')).status)
  expect(statuses.slice(0, 3)).toEqual([200, 200, 200])
  expect(statuses).toContain(429)
  const path = '/demo.git/git-upload-pack'
  const told: string[] = []
  for (let i = 0; i < 8; i++)
    told.push(
      await (await fetch(gate.url + path, { method: 'POST', headers: { authorization: 'Bearer x' } })).text(),
    )
  expect(told.join()).toMatch(/[0-9a-f]{4}ERR git-gate: at most 3 requests a minute; wait \d+ s/)
  const pushed: string[] = []
  for (let i = 0; i < 8; i++) {
    const push = { method: 'POST', headers: { authorization: 'Bearer y' }, body: 'x'.repeat(100_000) }
    pushed.push(await (await fetch(`${gate.url}/demo.git/git-receive-pack`, push)).text())
  }
  expect(pushed.join()).toMatch(/[0-9a-f]{4}\x02git-gate: at most 3 requests a minute/)
  expect(pushed.join()).toMatch(/\x01[0-9a-f]{4}unpack git-gate: at most 3 requests a minute; wait \d+ s/)
})

test('a token is counted however its header is spelled', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_REQUESTS_PER_MINUTE: '3' } })
  const spelled = (i: number) =>
    i % 2
      ? `${['bearer', 'Bearer', 'BEARER', 'beareR'][i % 4]}${' '.repeat(1 + i)}x`
      : `Basic ${btoa(`agent-${i}:x`)}`
  const statuses: number[] = []
  // A new minute may begin in between.
  for (let i = 0; i < 8; i++)
    statuses.push((await fetch(`${gate.url}/demo`, { headers: { authorization: spelled(i) } })).status)
  expect(statuses.slice(0, 3)).toEqual([401, 401, 401])
  expect(statuses).toContain(429)
})

test('a webhook is told of outcomes, signed, and again when it did not answer', async () => {
  const received: { headers: IncomingHttpHeaders; body: string }[] = []
  let answer = 503
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    received.push({ headers: request.headers, body })
    response.writeHead(answer).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await using gate = await startAdminGate()
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    const hook = z
      .object({ id: z.string(), secret: z.string() })
      .parse(await gate.json('POST', '/webhooks', { url }))
    await gate.json('POST', '/webhooks', { url, tells: 'exceptions' })

    await push(gate, 'p1')
    await gate.tick()
    expect(received).toEqual([])
    await settle(gate, 'p1', 'accepted')
    await gate.tick()
    expect(received).toHaveLength(1)
    // Not before its time.
    await gate.tick()
    expect(received).toHaveLength(1)
    answer = 204
    await gate.ledger.prepare('UPDATE deliveries SET due_at = 0').run()
    await gate.tick()
    expect(received).toHaveLength(2)
    await gate.ledger.prepare('UPDATE deliveries SET due_at = 0').run()
    await gate.tick()
    expect(received).toHaveLength(2)

    const { headers, body } = received[1] ?? { headers: {}, body: '' }
    expect(JSON.parse(body)).toMatchObject({
      type: 'push.accepted',
      asksForException: false,
      push: { id: 'p1' },
    })
    const signed = createHmac('sha256', Buffer.from(hook.secret.slice('whsec_'.length), 'base64'))
      .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
      .digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${signed}`)
    expect(await gate.dump()).not.toContain(hook.secret.slice('whsec_'.length))

    await push(gate, 'p2')
    await settle(gate, 'p2', 'refused', [{ ...FINDING, asksForException: true }])
    await gate.tick()
    expect(received.slice(2).map(each => JSON.parse(each.body).asksForException)).toEqual([true, true])

    await gate.json('DELETE', `/webhooks/${hook.id}`)
    await push(gate, 'p3')
    await settle(gate, 'p3', 'failed')
    await gate.tick()
    expect(received).toHaveLength(4)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a webhook that was away hears of everything in one sweep; one that stays away is given up, and that is logged', async () => {
  const told = new Set<string>()
  let answer = 204
  const server = createServer((request, response) => {
    told.add(String(request.headers['webhook-id']))
    response.writeHead(answer).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await using gate = await startAdminGate()
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    const hook = z.object({ id: z.string() }).parse(await gate.json('POST', '/webhooks', { url }))
    const ids = Array.from({ length: 45 }, (_, i) => `p${i}`)
    for (const id of ids) await push(gate, id)
    await gate.ledger.prepare("UPDATE pushes SET outcome = 'accepted'").run()
    await gate.tick()
    expect([...told].sort()).toEqual(ids.map(id => `${hook.id}-${id}`).sort())

    answer = 503
    await push(gate, 'last')
    await settle(gate, 'last', 'accepted')
    await gate.ledger.prepare('UPDATE deliveries SET attempts = 7').run()
    await gate.tick()
    expect((await gate.ledger.prepare('SELECT * FROM deliveries').all()).results).toEqual([])
    const line = await until(
      () => gate.log.find(each => each.includes(hook.id)),
      5_000,
      () => 'nothing is logged of it',
    )
    expect(JSON.parse(line)).toMatchObject({ level: 'error', push: 'last' })
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a push that cannot be settled keeps neither the pushes beside it nor webhooks waiting', async () => {
  const told: string[] = []
  const server = createServer((request, response) => {
    told.push(String(request.headers['webhook-id']))
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const report = (id: string) => ({
    ...{ id, outcome: 'accepted', phase: 'forwarding', ms: 1, refs: [], findings: [], steps: [] },
    ...{ exceptionsUsed: [], upstreamSaid: '', told: [] },
  })
  try {
    await using gate = await startAdminGate({
      bindings: { GATE_LOST_PUSH_SECONDS: '1' },
      companion: ({ pass }) =>
        pass.service === 'settle-push'
          ? { body: { known: report(pass.push) } }
          : { status: 404, body: { error: 'no such push' } },
    })
    await gate.ledger
      .prepare(
        "INSERT INTO identities (name, public_key, created_at) VALUES ('deploy', 'ssh-ed25519 AAAA', 0)",
      )
      .run()
    await gate.ledger
      .prepare(
        "INSERT INTO repositories (name, upstream, identity, known_hosts, created_at) VALUES ('demo', 'ssh://git@github.com/acme/app.git', 'deploy', 'x', 0)",
      )
      .run()
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    await gate.json('POST', '/webhooks', { url })
    const refs = JSON.stringify([{ ref: 'refs/heads/a', old: '', new: '', status: null, reason: '' }])
    for (const id of ['a-stuck', 'b-lost', 'c-ended']) await push(gate, id, Date.now() - 60_000)
    await gate.ledger.prepare('UPDATE pushes SET refs = ?').bind(refs).run()
    await settle(gate, 'c-ended', 'accepted')
    // As D1 does with a row that it will not take.
    await gate.ledger
      .prepare(
        "CREATE TRIGGER full BEFORE UPDATE ON pushes WHEN NEW.id = 'a-stuck' BEGIN SELECT RAISE(ABORT, 'full'); END",
      )
      .run()
    await gate.tick().catch(() => {})
    expect(await gate.json('GET', '/pushes/a-stuck')).toMatchObject({ outcome: 'open' })
    expect(await gate.json('GET', '/pushes/b-lost')).toMatchObject({ outcome: 'accepted' })
    expect(told.filter(each => each.endsWith('c-ended'))).toHaveLength(1)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('metrics are in Prometheus form, for administrators', async () => {
  await using gate = await startAdminGate()
  await push(gate, 'm1')
  await push(gate, 'm2')
  await settle(gate, 'm1', 'refused', [FINDING])
  expect((await fetch(`${gate.url}/-/metrics`)).status).toBe(401)
  const response = await scrape(gate)
  expect(response.headers.get('content-type')).toContain('version=0.0.4')
  const text = await response.text()
  for (const line of text.trimEnd().split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) gate_\w+ .+|gate_\w+(\{\w+="[^"]*"\})? \d+(\.\d+)?)$/)
  expect(text).toContain('gate_pushes_total{outcome="refused"} 1\n')
  expect(text).toContain('gate_push_seconds_total{outcome="refused"} 1.5\n')
  expect(text).toContain('gate_pushes_open 1\n')
  expect(text).toContain('gate_step_seconds_total{step="secrets"} 0.5\n')
  expect(text).toContain('gate_findings_total{rule="generic-api-key"} 1\n')
})

test('counters never go down: neither when rows are forgotten, nor when an older ledger is brought up to date', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_RETENTION_DAYS: '30' } })
  for (const id of ['a', 'b', 'c']) {
    await push(gate, id, id === 'c' ? Date.now() : Date.now() - 31 * DAY_MS)
    await settle(gate, id, id === 'b' ? 'refused' : 'accepted', [FINDING, FINDING])
  }
  const fetched = (at: number) =>
    gate.ledger
      .prepare("INSERT INTO fetches (at, repository, agent, token) VALUES (?, 'demo', 'ada', 'aaaaaaaaaa')")
      .bind(at)
      .run()
  await fetched(Date.now() - 31 * DAY_MS)
  await fetched(Date.now())
  for (let i = 0; i < 3; i++)
    await fetch(`${gate.url}/demo.git/info/refs`, { headers: { authorization: 'Bearer x' } })

  const told = async () => (await (await scrape(gate)).text()).replace(/^(# .*|gate_companions.*)\n/gm, '')
  const before = await told()
  expect(before.split('\n')).toEqual(
    expect.arrayContaining([
      'gate_pushes_total{outcome="accepted"} 2',
      'gate_push_seconds_total{outcome="refused"} 1.5',
      'gate_step_seconds_total{step="secrets"} 1.5',
      'gate_findings_total{rule="generic-api-key"} 6',
      'gate_fetches_total 2',
      'gate_authentication_failures_total 3',
    ]),
  )
  // A ledger of before there were totals.
  for (const undo of ['DROP TABLE totals', "DELETE FROM d1_migrations WHERE name LIKE '0006%'"])
    await gate.ledger.prepare(undo).run()
  for (const trigger of ['count_push', 'count_fetch', 'count_failure', 'count_failure_again'])
    await gate.ledger.prepare(`DROP TRIGGER ${trigger}`).run()
  await migrate(gate.ledger, `${projectRoot}/src/ledger/migrations`)
  expect(await told()).toBe(before)

  await gate.tick()
  expect(await gate.json('GET', '/pushes')).toMatchObject({ pushes: [{ id: 'c' }] })
  expect(await gate.json('GET', '/fetches')).toMatchObject({ fetches: [{ agent: 'ada' }] })
  expect(await told()).toBe(before)
})

test('what is older than the retention is forgotten, and the record exports as JSON lines', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_RETENTION_DAYS: '30' } })
  const days = (n: number) => Date.now() - n * DAY_MS
  for (const [id, age] of [
    ['a', 31],
    ['b', 29],
    ['c', 0],
  ] as const) {
    await push(gate, id, days(age))
    await settle(gate, id, 'accepted')
  }
  await gate.tick()
  const lines = (await (await gate.ask('/export/pushes')).text()).trimEnd().split('\n')
  expect(lines.map(line => JSON.parse(line).id)).toEqual(['c', 'b'])
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    outcome: 'accepted',
    steps: [{ step: 'secrets', ms: 500 }],
  })
  expect((await gate.ask('/export/pushes?outcome=nothing')).status).toBe(400)
})

test('pushes of thousands of refs come in pages of a few, each once', async () => {
  await using gate = await startAdminGate()
  const refs = JSON.stringify(
    Array.from({ length: 5000 }, (_, i) => ({
      ...{ ref: `refs/heads/ada/${'branch'.repeat(5)}/${i}`, old: '0'.repeat(40), new: '1'.repeat(40) },
      ...{ status: 'ng', reason: 'git-gate: ada may push refs/heads/ada/** only' },
    })),
  )
  const ids = Array.from({ length: 12 }, (_, i) => `p${99 - i}`)
  for (const id of ids) {
    await push(gate, id)
    await gate.ledger
      .prepare("UPDATE pushes SET outcome = 'refused', refs = ? WHERE id = ?")
      .bind(refs, id)
      .run()
  }
  const Id = z.object({ id: z.string() })
  const Page = z.object({ pushes: z.array(Id), next: z.string().nullable() })
  const listed: string[] = []
  for (let next: string | null = ''; next !== null; ) {
    const text: string = await (await gate.ask(`/pushes?limit=100${next && `&cursor=${next}`}`)).text()
    expect(text.length).toBeLessThan(8 << 20)
    const page = Page.parse(JSON.parse(text))
    listed.push(...page.pushes.map(({ id }) => id))
    next = page.next
  }
  expect(listed).toEqual(ids)
  const lines = (await (await gate.ask('/export/pushes')).text()).trimEnd().split('\n')
  expect(lines.map(line => Id.parse(JSON.parse(line)).id)).toEqual(ids)
  // A page that ends by its limit, and one that ends with the last row.
  expect(await gate.json('GET', `/pushes?limit=1&cursor=${ids.at(-3)}`)).toMatchObject({ next: ids.at(-2) })
  expect(await gate.json('GET', `/pushes?limit=2&cursor=${ids.at(-2)}`)).toMatchObject({ next: null })
})

/** A receiver that notes whom it is told of; `answers` false: it takes connections and never says a word. */
async function receiver(answers: boolean) {
  const told: string[] = []
  const server = createServer((request, response) => {
    told.push(String(request.headers['webhook-id']))
    if (answers) response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    told,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    [Symbol.dispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

test('a webhook that never answers keeps no other one waiting', async () => {
  using silent = await receiver(false)
  using quick = await receiver(true)
  await using gate = await startAdminGate()
  await gate.json('POST', '/webhooks', { url: silent.url })
  await gate.json('POST', '/webhooks', { url: quick.url })
  const ids = Array.from({ length: 45 }, (_, i) => `p${i}`)
  for (const id of ids) await push(gate, id)
  await gate.ledger.prepare("UPDATE pushes SET outcome = 'accepted'").run()
  const ticking = gate.tick()
  await until(
    () => (new Set(quick.told).size === ids.length ? true : undefined),
    // The silent one is waited for as long.
    9_000,
    () => `it was told of ${quick.told.length}`,
  )
  await ticking
  expect(silent.told.length).toBeLessThan(10)
})

test('pushes whose upstream gives no answer keep neither those of other repositories open nor webhooks waiting', async () => {
  using quick = await receiver(true)
  const { promise: never, resolve: end } = Promise.withResolvers<void>()
  await using gate = await startAdminGate({
    bindings: { GATE_LOST_PUSH_SECONDS: '1' },
    companion: ({ pass }) =>
      pass.service === 'settle-push' && pass.repository.name === 'dead'
        ? never.then(() => ({ status: 502, body: {} }))
        : pass.service === 'settle-push'
          ? { body: { upstreamHas: 'all of it' } }
          : pass.service === 'identity'
            ? { body: { publicKey: `ssh-ed25519 ${'A'.repeat(68)}` } }
            : { status: 404, body: { error: 'no such push' } },
  })
  try {
    await gate.json('POST', '/identities', { name: 'deploy' })
    for (const name of ['dead', 'alive'])
      await gate.json('POST', '/repositories', {
        ...{ name, identity: 'deploy', knownHosts: hostKey('github.com') },
        upstream: `git@github.com:acme/${name}.git`,
      })
    await gate.json('POST', '/webhooks', { url: quick.url })
    const refs = JSON.stringify([{ ref: 'refs/heads/a', old: '', new: '', status: null, reason: '' }])
    const lost = async (id: string, repository: string) => {
      await push(gate, id, Date.now() - 60_000)
      await gate.ledger
        .prepare('UPDATE pushes SET refs = ?, repository = ? WHERE id = ?')
        .bind(refs, repository, id)
        .run()
    }
    for (let i = 0; i < 120; i++) await lost(`a${i}`, 'dead')
    await lost('z', 'alive')
    await push(gate, 'told')
    await settle(gate, 'told', 'refused')
    const ticking = gate.tick()
    await until(
      () => quick.told.find(each => each.endsWith('-told')),
      20_000,
      () => 'the webhook is told of nothing',
    )
    expect(await gate.json('GET', '/pushes/z')).toMatchObject({ outcome: 'accepted' })
    end()
    await ticking
  } finally {
    end()
  }
})
