import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Grant, isAllowed } from '../../src/contract/grant.ts'
import { refNameProblem } from '../../src/contract/names.ts'
import { type Clone, cloneIn } from '../harness/clone.ts'
import { type Gate, git, gitText, type Ran, startGate } from '../harness/index.ts'
import { GRANTS, type GrantName } from './rule-table/grants.ts'
import { makeObjects, type ObjectName } from './rule-table/objects.ts'
import type { Row } from './rule-table/row.ts'
import { rows } from './rule-table/rows.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-rules-'))
let gate: Gate
let work: Clone
let ids: Readonly<Record<ObjectName, string>>
const urls = new Map<GrantName, string>()

/** The text for a row's `@` is its number, so that no two rows share a ref. */
const mark = (row: number) => `r${String(row).padStart(2, '0')}`
const own = (row: number, text: string) => text.replaceAll('@', mark(row))

beforeAll(async () => {
  // No test here changes upstream past the gate, so one refresh is enough.
  gate = await startGate({ settings: { GATE_FETCH_FRESH_SECONDS: '3600' } })
  await gitText(['clone', '-q', gate.upstream.dir, path.join(folder, 'work')])
  work = cloneIn(path.join(folder, 'work'))
  ids = await makeObjects(work)
  const before = rows.flatMap((row, number) =>
    Object.entries(row.before ?? {}).map(([ref, name]) => `${ids[name]}:${own(number, ref)}`),
  )
  await work.text(['push', '-q', gate.upstream.dir, ...before])
  for (const name of Object.keys(GRANTS) as GrantName[]) {
    await gate.admin.agent(name)
    await gate.admin.grant(name, 'app', { rules: GRANTS[name] })
    const { token } = await gate.admin.mint(name, 'test')
    urls.set(name, `${gate.url.replace('://', `://${name}:${token}@`)}/app.git`)
  }
  expect((await git(['ls-remote', urls.get('all') ?? ''])).code).toBe(0)
}, 120_000)
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  fs.rmSync(folder, { recursive: true, force: true })
})

test('the table has at least 60 rows', () => {
  expect(rows.length).toBeGreaterThanOrEqual(60)
})

const titled = rows.map((row, number) => ({
  row,
  number,
  title: `${mark(number)} ${row.agent} ${'refused' in row ? 'may not' : 'may'}: ${row.title}`,
}))
type Titled = (typeof titled)[number]

const push = (agent: GrantName, pushed: readonly Titled[]) =>
  work.git([
    'push',
    urls.get(agent) ?? '',
    ...pushed.flatMap(({ row, number }) => row.push.map(spec => own(number, spec))),
  ])

/** Returns whether a push with other refs has the same result: all are accepted, and git prints a line for each. */
const goesWithOthers = ({ row }: Titled) =>
  !('refused' in row) && !row.prints.includes('Everything up-to-date')
const together = Map.groupBy(titled.filter(goesWithOthers), ({ row }) => row.agent)
const sharedPushes = new Map<GrantName, Promise<Ran>>()

/** Pushes a row, with all others of its agent that can go with it: a push takes 0.3 s of processor time. */
function pushOf(each: Titled): Promise<Ran> {
  const { agent } = each.row
  if (!goesWithOthers(each)) return push(agent, [each])
  const pushed = sharedPushes.get(agent) ?? push(agent, together.get(agent) ?? [])
  sharedPushes.set(agent, pushed)
  return pushed
}

test.concurrent.for(titled)('$title', async each => {
  const { row, number } = each
  const before = row.before ?? {}
  const ran = await pushOf(each)
  const printed = ran.output.replaceAll(/[ \t]+/g, ' ')
  const [code, lines, after]: [number, readonly string[], NonNullable<Row['before']>] =
    'refused' in row ? [row.code ?? 1, row.refused, before] : [0, row.prints, row.after]
  for (const line of lines) expect(printed).toContain(own(number, line))
  expect(ran.code, ran.output).toBe(code)
  for (const [, ref = ''] of printed.matchAll(/git-gate: git push .* [0-9a-f]+:(\S+)/g)) {
    expect(refNameProblem(ref)).toBeUndefined()
    const grant = Grant.parse({ agent: row.agent, terms: { rules: GRANTS[row.agent] } })
    expect(isAllowed(grant, ref, 'create'), `${ref} was told as allowed`).toBe(true)
  }
  const stands = Object.entries(await gate.upstream.refs()).filter(([ref]) => ref.includes(mark(number)))
  expect(Object.fromEntries(stands)).toEqual(
    Object.fromEntries(Object.entries(after).map(([ref, name]) => [own(number, ref), ids[name]])),
  )
})
