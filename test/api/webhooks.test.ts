import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { emptyReport } from '../../container/push/record/push-recorder.ts'
import { until } from '../harness/until.ts'
import { type AdminGate, hostKey, startAdminGate } from './fixtures/admin-gate.ts'
import { FINDING, insertPush, setOutcome } from './fixtures/recorded-pushes.ts'

/** The gate of the tests that find their own rows in it. */
let shared: AdminGate
beforeAll(async () => {
  shared = await startAdminGate({ bindings: { GATE_PUBLIC_URL: 'https://gate.example' } })
})
afterAll(() => shared[Symbol.asyncDispose]())

/** Returns the signature that the headers should have. */
const signatureOf = (secret: string, headers: IncomingHttpHeaders, body: string) =>
  `v1,${createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
    .digest('base64')}`

/** A server that records webhook ids; with `answers` false it accepts connections and never responds. */
async function startReceiver(answers: boolean) {
  const deliveries: string[] = []
  const server = createServer((request, response) => {
    deliveries.push(String(request.headers['webhook-id']))
    if (answers) response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    deliveries,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    [Symbol.dispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

test('a webhook receives signed outcomes, and failed deliveries are retried', async () => {
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
    await gate.json('POST', '/webhooks', { url, events: 'exceptions' })

    await insertPush(gate, 'p1')
    await gate.tick()
    expect(received).toEqual([])
    await setOutcome(gate, 'p1', 'accepted')
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
    expect(headers['webhook-signature']).toBe(signatureOf(hook.secret, headers, body))
    expect(await gate.dump()).not.toContain(hook.secret.slice('whsec_'.length))

    await insertPush(gate, 'p2')
    await setOutcome(gate, 'p2', 'refused', [{ ...FINDING, asksForException: true }])
    await gate.tick()
    expect(received.slice(2).map(each => JSON.parse(each.body).asksForException)).toEqual([true, true])

    await gate.json('DELETE', `/webhooks/${hook.id}`)
    await insertPush(gate, 'p3')
    await setOutcome(gate, 'p3', 'failed')
    await gate.tick()
    expect(received).toHaveLength(4)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a webhook that responds again gets all its deliveries in one sweep; a delivery that keeps failing is dropped and logged', async () => {
  const deliveries = new Set<string>()
  let answer = 204
  const server = createServer((request, response) => {
    deliveries.add(String(request.headers['webhook-id']))
    response.writeHead(answer).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await using gate = await startAdminGate()
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    const hook = z.object({ id: z.string() }).parse(await gate.json('POST', '/webhooks', { url }))
    const ids = Array.from({ length: 45 }, (_, i) => `p${i}`)
    for (const id of ids) await insertPush(gate, id)
    await gate.ledger.prepare("UPDATE pushes SET outcome = 'accepted'").run()
    await gate.tick()
    expect([...deliveries].sort()).toEqual(ids.map(id => `${hook.id}-${id}`).sort())

    answer = 503
    await insertPush(gate, 'last')
    await setOutcome(gate, 'last', 'accepted')
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

test('a push whose outcome cannot be written delays neither other pushes nor webhooks', async () => {
  const deliveries: string[] = []
  const server = createServer((request, response) => {
    deliveries.push(String(request.headers['webhook-id']))
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await using gate = await startAdminGate({
      bindings: { GATE_OPEN_PUSH_TIMEOUT_SECONDS: '1' },
      companion: ({ pass }) =>
        pass.service === 'recover-outcome'
          ? {
              body: { report: { ...emptyReport(pass.push), outcome: 'accepted', step: 'forwarding', ms: 1 } },
            }
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
    // As many as are settled at once: where each ended its turn for good, none would be left for the rest.
    const stuck = Array.from({ length: 6 }, (_, i) => `a-stuck-${i}`)
    for (const id of [...stuck, 'b-lost', 'c-ended']) await insertPush(gate, id, Date.now() - 60_000)
    await gate.ledger.prepare('UPDATE pushes SET refs = ?').bind(refs).run()
    await setOutcome(gate, 'c-ended', 'accepted')
    // As D1 does with a row that it will not take.
    await gate.ledger
      .prepare(
        "CREATE TRIGGER full BEFORE UPDATE ON pushes WHEN NEW.id LIKE 'a-stuck-%' BEGIN SELECT RAISE(ABORT, 'full'); END",
      )
      .run()
    await gate.tick()
    for (const id of stuck) expect(await gate.json('GET', `/pushes/${id}`)).toMatchObject({ outcome: 'open' })
    expect(await gate.json('GET', '/pushes/b-lost')).toMatchObject({ outcome: 'accepted' })
    expect(deliveries.filter(each => each.endsWith('c-ended'))).toHaveLength(1)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a webhook that answers with a redirect has refused: the address that it names is sent nothing', async () => {
  using elsewhere = await startReceiver(true)
  const server = createServer((request, response) => {
    response.writeHead(Number(request.url?.slice(1)), { location: elsewhere.url }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const hooks: string[] = []
  try {
    const { port } = server.address() as AddressInfo
    for (const status of [301, 302, 303, 307, 308])
      hooks.push((await addHook({ url: `http://127.0.0.1:${port}/${status}` })).id)
    const push = randomUUID()
    await insertPush(shared, push)
    await setOutcome(shared, push, 'accepted')
    await shared.tick()
    expect(elsewhere.deliveries).toEqual([])
    const { results } = await shared.ledger.prepare('SELECT attempts FROM deliveries').all()
    expect(results).toEqual(Array.from({ length: 5 }, () => ({ attempts: 1 })))
  } finally {
    for (const id of hooks) await shared.json('DELETE', `/webhooks/${id}`)
    server.closeAllConnections()
    server.close()
  }
})

/** Adds a webhook to the shared gate. */
const addHook = async (webhook: object) =>
  z.object({ id: z.string(), secret: z.string() }).parse(await shared.json('POST', '/webhooks', webhook))

test('chat services are told of a secret once an hour, in their own formats, signed, with a link to the push', async () => {
  const received: { format: string; headers: IncomingHttpHeaders; body: string }[] = []
  let answer = 503
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    received.push({ format: request.url?.slice(1) ?? '', headers: request.headers, body })
    response.writeHead(answer).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const formats = ['discord', 'json', 'slack', 'teams']
  const hooks = new Map<string, { id: string; secret: string }>()
  /** Ends a push, and returns what the webhooks are told at the next sweep. */
  const told = async (push: string, outcome: string, findings: object[] = []) => {
    const before = received.length
    await insertPush(shared, push)
    await setOutcome(shared, push, outcome, findings)
    await shared.tick()
    return received.slice(before)
  }
  const formatsOf = (messages: readonly { format: string }[]) => messages.map(({ format }) => format).sort()
  try {
    for (const format of formats)
      hooks.set(format, await addHook({ url: `http://127.0.0.1:${port}/${format}`, format }))
    const [first, accepted, again, other, later] = Array.from({ length: 5 }, () => randomUUID())
    const found = { ...FINDING, path: '<!channel> @everyone' }

    expect(formatsOf(await told(first ?? '', 'refused', [found]))).toEqual(formats)
    answer = 204
    received.length = 0
    await shared.ledger.prepare('UPDATE deliveries SET due_at = 0').run()
    await shared.tick()
    expect(formatsOf(received)).toEqual(formats)
    for (const { format, headers, body } of received) {
      expect(headers['webhook-signature']).toBe(signatureOf(hooks.get(format)?.secret ?? '', headers, body))
      expect(body).not.toContain(format === 'slack' ? '<!channel>' : '"parse":["')
      if (format !== 'json') expect(body).toContain(`https://gate.example/-/console/pushes/${first}`)
    }

    expect(formatsOf(await told(accepted ?? '', 'accepted'))).toEqual(['json'])
    expect(formatsOf(await told(again ?? '', 'refused', [found]))).toEqual(['json'])
    expect(formatsOf(await told(other ?? '', 'refused', [{ ...found, fingerprint: 'other' }]))).toEqual(
      formats,
    )
    await shared.ledger.prepare('UPDATE notices SET at = at - 3600000').run()
    expect(formatsOf(await told(later ?? '', 'refused', [found]))).toEqual(formats)
  } finally {
    for (const { id } of hooks.values()) await shared.json('DELETE', `/webhooks/${id}`)
    server.closeAllConnections()
    server.close()
  }
})

test('a webhook that never responds does not delay the others', async () => {
  using silent = await startReceiver(false)
  using quick = await startReceiver(true)
  await using gate = await startAdminGate()
  await gate.json('POST', '/webhooks', { url: silent.url })
  await gate.json('POST', '/webhooks', { url: quick.url })
  const ids = Array.from({ length: 45 }, (_, i) => `p${i}`)
  for (const id of ids) await insertPush(gate, id)
  await gate.ledger.prepare("UPDATE pushes SET outcome = 'accepted'").run()
  const ticking = gate.tick()
  await until(
    () => (new Set(quick.deliveries).size === ids.length ? true : undefined),
    // The silent one is waited for as long.
    9_000,
    () => `it was told of ${quick.deliveries.length}`,
  )
  await ticking
  expect(silent.deliveries.length).toBeLessThan(10)
})

test('pushes whose upstream does not respond delay neither other repositories nor webhooks', async () => {
  using quick = await startReceiver(true)
  const { promise: never, resolve: end } = Promise.withResolvers<void>()
  await using gate = await startAdminGate({
    bindings: { GATE_OPEN_PUSH_TIMEOUT_SECONDS: '1' },
    companion: ({ pass }) =>
      pass.service === 'recover-outcome' && pass.repository.name === 'dead'
        ? never.then(() => ({ status: 502, body: {} }))
        : pass.service === 'recover-outcome'
          ? { body: { upstreamState: 'applied' } }
          : pass.service === 'store-identity'
            ? { body: { publicKey: `ssh-ed25519 ${'A'.repeat(68)}` } }
            : { status: 404, body: { error: 'no such push' } },
  })
  try {
    await gate.json('POST', '/identities', { name: 'deploy' })
    for (const name of ['dead', 'alive'])
      await gate.json('POST', '/repositories', {
        name,
        identity: 'deploy',
        knownHosts: hostKey('github.com'),
        upstream: `git@github.com:acme/${name}.git`,
      })
    await gate.json('POST', '/webhooks', { url: quick.url })
    const refs = JSON.stringify([{ ref: 'refs/heads/a', old: '', new: '', status: null, reason: '' }])
    const insertLostPush = async (id: string, repository: string) => {
      await insertPush(gate, id, Date.now() - 60_000)
      await gate.ledger
        .prepare('UPDATE pushes SET refs = ?, repository = ? WHERE id = ?')
        .bind(refs, repository, id)
        .run()
    }
    for (let i = 0; i < 120; i++) await insertLostPush(`a${i}`, 'dead')
    await insertLostPush('z', 'alive')
    await insertPush(gate, 'told')
    await setOutcome(gate, 'told', 'refused')
    const ticking = gate.tick()
    await until(
      () => quick.deliveries.find(each => each.endsWith('-told')),
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
