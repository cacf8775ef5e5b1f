import { expect, test } from 'vitest'
import { z } from 'zod'
import { type AdminGate, startAdminGate } from './fixtures/admin-gate.ts'
import { FINDING, insertPush, setOutcome } from './fixtures/recorded-pushes.ts'

const DAY_MS = 86_400_000

const scrape = (gate: AdminGate) =>
  fetch(`${gate.url}/-/metrics`, { headers: { authorization: `Bearer ${gate.adminToken}` } })

test("metrics are in Prometheus' format, and need an admin token", async () => {
  await using gate = await startAdminGate()
  await insertPush(gate, 'm1')
  await insertPush(gate, 'm2')
  await setOutcome(gate, 'm1', 'refused', [FINDING])
  expect((await fetch(`${gate.url}/-/metrics`)).status).toBe(401)
  const response = await scrape(gate)
  expect(response.headers.get('content-type')).toContain('version=0.0.4')
  const text = await response.text()
  for (const line of text.trimEnd().split('\n'))
    expect(line).toMatch(
      /^(# (HELP|TYPE) gate_\w+ .+|gate_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? \d+(\.\d+)?)$/,
    )
  expect(text).toContain('gate_pushes_total{outcome="refused"} 1\n')
  expect(text).toContain('gate_push_seconds_total{outcome="refused"} 1.5\n')
  expect(text).toContain('gate_pushes_open 1\n')
  const labels = 'repository="demo",outcome="refused",step="push"'
  expect(text).toContain(`gate_push_step_seconds_bucket{${labels},le="1"} 0\n`)
  expect(text).toContain(`gate_push_step_seconds_bucket{${labels},le="2.5"} 1\n`)
  expect(text).toContain(`gate_push_step_seconds_bucket{${labels},le="+Inf"} 1\n`)
  expect(text).toContain(`gate_push_step_seconds_sum{${labels}} 1.5\n`)
  expect(text).toContain('gate_findings_pending ')
  expect(text).toContain('gate_step_seconds_total{step="secrets"} 0.5\n')
  expect(text).toContain('gate_findings_total{rule="generic-api-key"} 1\n')
})

test('counters never decrease when expired rows are deleted', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_RETENTION_DAYS: '30' } })
  for (const id of ['a', 'b', 'c']) {
    await insertPush(gate, id, id === 'c' ? Date.now() : Date.now() - 31 * DAY_MS)
    await setOutcome(gate, id, id === 'b' ? 'refused' : 'accepted', [FINDING, FINDING])
  }
  const fetched = (at: number) =>
    gate.ledger
      .prepare(
        "INSERT INTO fetches (at, repository, agent, token_id) VALUES (?, 'demo', 'ada', 'aaaaaaaaaa')",
      )
      .bind(at)
      .run()
  await fetched(Date.now() - 31 * DAY_MS)
  await fetched(Date.now())
  for (let i = 0; i < 3; i++)
    await fetch(`${gate.url}/demo.git/info/refs`, { headers: { authorization: 'Bearer x' } })

  const counters = async () =>
    (await (await scrape(gate)).text()).replace(/^(# .*|gate_companions.*)\n/gm, '')
  const before = await counters()
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
  await gate.tick()
  expect(await gate.json('GET', '/pushes')).toMatchObject({ pushes: [{ id: 'c' }] })
  expect(await gate.json('GET', '/fetches')).toMatchObject({ fetches: [{ agent: 'ada' }] })
  expect(await counters()).toBe(before)
})

test('records older than the retention are deleted, and the records export as JSON lines', async () => {
  await using gate = await startAdminGate({ bindings: { GATE_RETENTION_DAYS: '30' } })
  const days = (n: number) => Date.now() - n * DAY_MS
  for (const [id, age] of [
    ['a', 31],
    ['b', 29],
    ['c', 0],
  ] as const) {
    await insertPush(gate, id, days(age))
    await setOutcome(gate, id, 'accepted')
  }
  await gate.tick()
  const lines = (await (await gate.request('/export/pushes')).text()).trimEnd().split('\n')
  expect(lines.map(line => JSON.parse(line).id)).toEqual(['c', 'b'])
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    outcome: 'accepted',
    steps: [{ step: 'secrets', ms: 500 }],
  })
  expect((await gate.request('/export/pushes?outcome=nothing')).status).toBe(400)
})

test('pushes with thousands of refs come in small pages, each push once', async () => {
  await using gate = await startAdminGate()
  const refs = JSON.stringify(
    Array.from({ length: 5000 }, (_, i) => ({
      ref: `refs/heads/ada/${'branch'.repeat(5)}/${i}`,
      old: '0'.repeat(40),
      new: '1'.repeat(40),
      status: 'ng',
      reason: 'git-gate: ada may push refs/heads/ada/** only',
    })),
  )
  const ids = Array.from({ length: 12 }, (_, i) => `p${99 - i}`)
  for (const id of ids) {
    await insertPush(gate, id)
    await gate.ledger
      .prepare("UPDATE pushes SET outcome = 'refused', refs = ? WHERE id = ?")
      .bind(refs, id)
      .run()
  }
  const Id = z.object({ id: z.string() })
  const Page = z.object({ pushes: z.array(Id), next: z.string().nullable() })
  const listed: string[] = []
  for (let next: string | null = ''; next !== null; ) {
    const text: string = await (await gate.request(`/pushes?limit=100${next && `&cursor=${next}`}`)).text()
    expect(text.length).toBeLessThan(8 << 20)
    const page = Page.parse(JSON.parse(text))
    listed.push(...page.pushes.map(({ id }) => id))
    next = page.next
  }
  expect(listed).toEqual(ids)
  const lines = (await (await gate.request('/export/pushes')).text()).trimEnd().split('\n')
  expect(lines.map(line => Id.parse(JSON.parse(line)).id)).toEqual(ids)
  // A page that ends by its limit, and one that ends with the last row.
  expect(await gate.json('GET', `/pushes?limit=1&cursor=${ids.at(-3)}`)).toMatchObject({ next: ids.at(-2) })
  expect(await gate.json('GET', `/pushes?limit=2&cursor=${ids.at(-2)}`)).toMatchObject({ next: null })
})
