import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type AdminGate, startAdminGate } from '../api/fixtures/admin-gate.ts'

const MINUTE_MS = 60_000

/** Puts a push of an agent on record that takes so many bytes; the sizes of the tests are far above a row's own. */
const pushOf = (gate: AdminGate, agent: string, id: string, bytes: number, outcome = 'refused') =>
  gate.ledger
    .prepare(
      `INSERT INTO pushes (id, repository, agent, token_id, started_at, outcome, remote_lines)
       VALUES (?, 'demo', ?, 'aaaaaaaaaa', ?, ?, ?)`,
    )
    .bind(id, agent, Date.now() - MINUTE_MS, outcome, JSON.stringify(['x'.repeat(bytes)]))
    .run()

const idsOf = async (gate: AdminGate) =>
  z
    .object({ pushes: z.array(z.object({ id: z.string() })) })
    .parse(await gate.json('GET', '/pushes?limit=100'))
    .pushes.map(({ id }) => id)

const sizes = async (gate: AdminGate) =>
  (await gate.ledger.prepare('SELECT agent, bytes FROM sizes ORDER BY agent').all()).results

test('a ledger that takes more than it may forgets the oldest pushes of the agent that fills it, and no open one', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_LEDGER_MAX_BYTES: '600000' } })
  await pushOf(gate, 'ada', 'a1', 90_000)
  await pushOf(gate, 'ada', 'a2', 90_000)
  await pushOf(gate, 'eve', 'e0', 90_000, 'open')
  for (let i = 1; i <= 9; i++) await pushOf(gate, 'eve', `e${i}`, 90_000)
  await gate.ledger
    .prepare("INSERT INTO fetches (at, repository, agent, token_id) VALUES (?, 'demo', 'eve', 'aaaaaaaaaa')")
    .bind(Date.now() - 2 * MINUTE_MS)
    .run()
  await gate.tick()
  expect(await idsOf(gate)).toEqual(['e9', 'e8', 'e7', 'e0', 'a2', 'a1'])
  expect(await gate.json('GET', '/fetches')).toMatchObject({ fetches: [] })
  const sizeOf = z.object({ bytes: z.number() })
  const [ada, eve] = await sizes(gate)
  expect(sizeOf.parse(ada).bytes + sizeOf.parse(eve).bytes).toBeLessThanOrEqual(600_000)
  await gate.tick()
  expect(await idsOf(gate)).toHaveLength(6)
})

test('what each agent has on record is known whatever is written, changed and forgotten', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_RETENTION_DAYS: '1' } })
  await pushOf(gate, 'ada', 'a1', 1000, 'open')
  const before = await sizes(gate)
  await gate.ledger
    .prepare("UPDATE pushes SET remote_lines = '[]', outcome = 'refused' WHERE id = 'a1'")
    .run()
  expect(await sizes(gate)).not.toEqual(before)
  const summed = await gate.ledger
    .prepare('SELECT agent, sum(bytes) AS bytes FROM pushes GROUP BY agent')
    .all()
  expect(await sizes(gate)).toEqual(summed.results)
  await gate.ledger.prepare('UPDATE pushes SET started_at = 0').run()
  await gate.tick()
  expect(await sizes(gate)).toEqual([{ agent: 'ada', bytes: 0 }])
})

/** Lets a push on record wait for an approval whose request takes so many bytes. */
async function waitForApproval(gate: AdminGate, id: string, bytes: number): Promise<void> {
  const asks = ['x'.repeat(bytes)]
  const approval = { change: id, asks, needed: 2, findings: false, until: Date.now() + 60 * MINUTE_MS }
  await gate.ledger
    .prepare("UPDATE pushes SET outcome = 'refused', approval = ? WHERE id = ?")
    .bind(JSON.stringify(approval), id)
    .run()
}
const approvals = async (gate: AdminGate) =>
  (await gate.ledger.prepare('SELECT id FROM approvals ORDER BY id').all()).results.map(({ id }) => id)
const votes = async (gate: AdminGate) =>
  (await gate.ledger.prepare('SELECT count(*) AS votes FROM approval_votes').all()).results

test.each([
  ['by the size of the ledger', { GATE_LEDGER_MAX_BYTES: '300000' }],
  ['by age', { GATE_RETENTION_DAYS: '1' }],
])('an approval takes bytes of its push, and goes with it: %s', async (_, bindings) => {
  await using gate = await startAdminGate({ bindings })
  for (const id of ['a1', 'a2', 'a3']) {
    await pushOf(gate, 'ada', id, 1000, 'open')
    await waitForApproval(gate, id, 50_000)
  }
  expect(await sizes(gate)).toMatchObject([{ bytes: expect.closeTo(3 * 2 * 50_000, -5) }])
  await gate.ledger
    .prepare(
      "INSERT INTO approval_votes (approval, operator, person, at, forward) VALUES ('a1', 'grace', 'grace', 0, 'f1')",
    )
    .run()
  await gate.ledger.prepare("UPDATE pushes SET started_at = 0 WHERE id = 'a1'").run()
  await gate.tick()
  expect(await idsOf(gate)).toEqual(['a3', 'a2'])
  expect(await approvals(gate)).toEqual(['a2', 'a3'])
  expect(await votes(gate)).toEqual([{ votes: 0 }])
})

const Failures = z.array(z.object({ address: z.string(), count: z.number() }))
const failures = async (gate: AdminGate) =>
  Failures.parse(await gate.json('GET', '/auth-failures?limit=2000'))
const guessFrom = async (gate: AdminGate, address: string) => {
  const headers = { authorization: 'Bearer x', 'cf-connecting-ip': address }
  await (await fetch(`${gate.url}/demo`, { headers })).text()
}
const TRUSTED = { GATE_TRUSTED_PROXY: 'on', GATE_FAILURES_PER_MINUTE: '1000' }

test('addresses that a client makes up are not believed where no proxy is configured', async () => {
  await using gate = await startAdminGate()
  for (const address of ['192.0.2.1', '192.0.2.2', '2001:db8::1', `${'A'.repeat(7000)}\x9b31m`])
    await guessFrom(gate, address)
  expect(new Set((await failures(gate)).map(({ address }) => address))).toEqual(new Set(['unknown']))
})

describe('behind a proxy', () => {
  let gate: AdminGate
  beforeAll(async () => {
    gate = await startAdminGate({ bindings: TRUSTED })
  })
  afterAll(() => gate[Symbol.asyncDispose]())

  test.each<[string, string]>([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.8', '192.0.2.8'],
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['127.1', 'unknown'],
    ['0x7f000001', 'unknown'],
    ['2001:db8::1%AAAA', 'unknown'],
    ['192.0.2.1, 192.0.2.2', 'unknown'],
    ['localhost', 'unknown'],
  ])('the address %s is counted as %s', async (given, counted) => {
    await gate.ledger.prepare('DELETE FROM auth_failures').run()
    await guessFrom(gate, given)
    expect(await failures(gate)).toMatchObject([{ address: counted, count: 1 }])
  })
})

test('failures from ever new addresses take a bounded number of rows', async () => {
  await using gate = await startAdminGate({ bindings: TRUSTED })
  const addresses = Array.from({ length: 260 }, (_, i) => `198.51.${i >> 8}.${i & 255}`)
  for (let i = 0; i < addresses.length; i += 20)
    await Promise.all(addresses.slice(i, i + 20).map(address => guessFrom(gate, address)))
  const rows = await failures(gate)
  // A new minute may begin in between.
  expect(rows.length).toBeLessThanOrEqual(202)
  expect(rows.find(({ address }) => address === 'others')?.count).toBeGreaterThan(50)
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(addresses.length)

  await gate.ledger
    .prepare(
      `INSERT INTO auth_failures (address, minute, count)
       SELECT 'a' || value, value, 1 FROM json_each((SELECT json_group_array(n) FROM
         (WITH RECURSIVE t(n) AS (SELECT 20000000 UNION ALL SELECT n + 1 FROM t LIMIT 12000) SELECT n FROM t)))`,
    )
    .run()
  await gate.tick()
  const left = await gate.ledger.prepare('SELECT count(*) AS rows FROM auth_failures').all()
  expect(left.results).toEqual([{ rows: expect.any(Number) }])
  expect(z.object({ rows: z.number() }).parse(left.results[0]).rows).toBeLessThanOrEqual(10_300)
})
