import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createClient } from '../../cli/client.ts'
import { parseTime } from '../../cli/options/point-in-time.ts'
import { Push } from '../../src/contract/admin-api/pushes.ts'
import type { Outcome } from '../../src/contract/outcome.ts'
import { type AdminGate, startAdminGate } from '../api/fixtures/admin-gate.ts'
import { gitGate } from './command.ts'

const DAY_MS = 86_400_000
const PUSHES = 10_000
const ROWS_A_STATEMENT = 1000
const FINDING = {
  rule: 'generic-api-key',
  path: 'a.txt',
  line: 3,
  excerpt: 'REDACTED',
  asksForException: true,
}
const hex = (i: number) => i.toString(16).padStart(40, '0')
/** The limit for a response, without the start of the command. */
const ANSWER_MS = 1000
const TRIES = 3

let gate: AdminGate
/** Newest first. */
let pushes: { id: string; repository: string; agent: string; outcome: Outcome; at: number }[]

beforeAll(async () => {
  gate = await startAdminGate()
  const now = Date.now()
  const outcomes = ['accepted', 'accepted', 'accepted', 'refused', 'failed', 'abandoned'] as const
  pushes = Array.from({ length: PUSHES }, (_, i) => ({
    id: `${(now - i * 8000).toString(36).padStart(9, '0')}${randomBytes(6).toString('hex')}`,
    repository: `acme/app-${i % 40}`,
    agent: `agent-${i % 25}`,
    outcome: outcomes[i % outcomes.length] ?? 'open',
    at: now - i * (DAY_MS / PUSHES),
  }))

  const rows = pushes.map((push, i) => ({
    ...push,
    refs: [{ ref: `refs/heads/${push.agent}/fix`, old: hex(0), new: hex(i), status: 'ok', reason: '' }],
    findings:
      push.outcome === 'refused'
        ? [{ ...FINDING, commit: hex(i), fingerprint: `${hex(i)}:a.txt:generic-api-key:3` }]
        : [],
  }))
  for (let i = 0; i < PUSHES; i += ROWS_A_STATEMENT)
    await gate.ledger
      .prepare(
        `INSERT INTO pushes (id, repository, agent, token_id, started_at, outcome, step, ms, refs, findings, remote_lines)
         SELECT value ->> 'id', value ->> 'repository', value ->> 'agent', 'aaaaaaaaaa', CAST(value ->> 'at' AS INTEGER),
                value ->> 'outcome', 'done', 1234, value -> 'refs', value -> 'findings', '["a line", "another"]'
         FROM json_each(?)`,
      )
      .bind(JSON.stringify(rows.slice(i, i + ROWS_A_STATEMENT)))
      .run()
}, 120_000)
afterAll(() => gate[Symbol.asyncDispose]())

async function list(...args: string[]) {
  const ran = await gitGate(['push', 'list', '--json', ...args], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
  })
  expect(ran, ran.stderr).toMatchObject({ code: 0 })
  return z.array(Push).parse(JSON.parse(ran.stdout))
}
const ids = (all: readonly { id: string }[]) => all.map(each => each.id)

test("a day's 10,000 pushes are listed with every filter, newest first, within a second", async () => {
  const client = createClient({ url: gate.url, token: gate.adminToken })
  const since = pushes[5000]?.at ?? 0
  const lately = Date.now() - 6 * 3_600_000
  const cases: [Record<string, string>, (push: (typeof pushes)[number]) => boolean, number][] = [
    [{}, () => true, 100],
    [{ repository: 'acme/app-7' }, push => push.repository === 'acme/app-7', 100],
    [{ agent: 'agent-3' }, push => push.agent === 'agent-3', 500],
    [{ outcome: 'refused' }, push => push.outcome === 'refused', 50],
    [{ since: new Date(since).toISOString() }, push => push.at >= since, 2000],
    [
      { repository: 'acme/app-7', outcome: 'accepted', since: '6h' },
      push => push.repository === 'acme/app-7' && push.outcome === 'accepted' && push.at >= lately,
      2000,
    ],
    [{ repository: 'no/such' }, () => false, 100],
  ]
  for (const [filter, fits, limit] of cases) {
    const wanted = ids(pushes.filter(fits).slice(0, limit))
    const options = Object.entries({ ...filter, limit: String(limit) }).flatMap(([name, value]) => [
      `--${name}`,
      value,
    ])
    expect(ids(await list(...options)), options.join(' ')).toEqual(wanted)

    // Takes the minimum, because other work on the machine adds time.
    const times: number[] = []
    for (let run = 0; run < TRIES; run++) {
      const started = performance.now()
      const page = await client.pushes.page({
        ...filter,
        ...(filter.since && { since: parseTime(filter.since, 'ago') }),
        limit,
      })
      times.push(performance.now() - started)
      expect(ids(page.pushes)).toEqual(wanted)
    }
    expect(Math.min(...times), options.join(' ')).toBeLessThan(ANSWER_MS)
  }
})

test('all 10,000 are listed over several pages, each once', async () => {
  const listed = await list('--limit', '20000')
  expect(ids(listed)).toEqual(ids(pushes))
  const refused = listed.find(push => push.outcome === 'refused')
  expect(Object.keys(refused ?? {})).toEqual([
    'id',
    'repository',
    'agent',
    'outcome',
    'startedAt',
    'ms',
    'refs',
    'findings',
  ])
  expect(refused).toMatchObject({
    findings: [
      {
        rule: 'generic-api-key',
        path: 'a.txt',
        line: 3,
        commit: expect.any(String),
        fingerprint: expect.any(String),
      },
    ],
    refs: [
      { ref: expect.any(String), old: expect.any(String), new: expect.any(String), status: 'ok', reason: '' },
    ],
  })
})

test('push show prints the full record', async () => {
  const id = pushes.find(push => push.outcome === 'refused')?.id ?? ''
  const ran = await gitGate(['push', 'show', id], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
  })
  expect(ran.stdout).toMatch(/refused.*generic-api-key in a\.txt:3.*exception requested.*a line\n +another/s)
})

test('push export prints JSON lines', async () => {
  const ran = await gitGate(['push', 'export', '--agent', 'agent-3'], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
  })
  const lines = ran.stdout.trimEnd().split('\n')
  expect(lines.map(line => JSON.parse(line).id)).toEqual(ids(pushes.filter(push => push.agent === 'agent-3')))
})

test('a list that leaves out older pushes says so, beside its output', async () => {
  const run = async (...args: string[]) => {
    const env = { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken }
    return gitGate(['push', 'list', '--json', '--agent', 'agent-3', ...args], { env })
  }
  const part = await run('--limit', '20')
  expect(JSON.parse(part.stdout)).toHaveLength(20)
  expect(part.stderr).toBe('there are older pushes: --limit 200 lists more\n')
  expect((await run('--limit', String(PUSHES))).stderr).toBe('')
})
