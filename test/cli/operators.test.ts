import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { type AdminGate, seedRepository, startAdminGate } from '../api/fixtures/admin-gate.ts'
import { gitGate } from './command.ts'

const APP = 'github.com/acme/app'

let gate: AdminGate
let folder: string
beforeAll(async () => {
  gate = await startAdminGate()
  await seedRepository(gate, APP)
  folder = mkdtempSync(join(tmpdir(), 'gate-operators-'))
}, 60_000)
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await gate?.[Symbol.asyncDispose]()
})

async function run(...args: string[]): Promise<string> {
  const env = { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken }
  const ran = await gitGate(args, { env, cwd: folder })
  expect(ran, ran.stderr).toMatchObject({ code: 0 })
  return ran.stdout
}

const Plan = z.object({ plan: z.array(z.object({ action: z.string(), kind: z.string(), name: z.string() })) })
async function apply(state: object): Promise<string[]> {
  writeFileSync(join(folder, 'gate.yaml'), stringify(state))
  const { plan } = Plan.parse(JSON.parse(await run('apply', 'gate.yaml', '--json', '--yes')))
  return plan.map(({ action, kind, name }) => `${action} ${kind} ${name}`)
}
const roles = async () =>
  z
    .array(z.object({ principal: z.string(), role: z.string(), repository: z.string().nullable() }))
    .parse(await gate.json('GET', '/operators'))

test('a role is given, listed and taken away by the command', async () => {
  expect(await run('operator', 'set', 'email:Ada@acme.example', '--role', 'admin')).toContain(
    'email:ada@acme.example is admin of the gate',
  )
  await run('operator', 'set', 'group:platform', '--role', 'approver', '--repository', APP.toUpperCase())
  expect(await run('operator', 'list')).toMatch(
    /email:ada@acme\.example +admin +all .*\ngroup:platform +approver +github\.com\/acme\/app /,
  )
  expect(await run('operator', 'remove', 'group:platform', '--repository', APP, '--yes')).toContain(
    `group:platform is no longer approver of ${APP}`,
  )
  await run('operator', 'remove', 'email:ada@acme.example', '--yes')
  expect(await roles()).toEqual([])
})

test('an approver of one repository lists its pending findings by the command', async () => {
  const { token } = z
    .object({ token: z.string() })
    .parse(await gate.json('POST', '/admin-tokens', { label: 'ada', role: 'approver', repository: APP }))
  const env = { GATE_URL: gate.url, GATE_ADMIN_TOKEN: token }
  const list = (...args: string[]) => gitGate(['pending', 'list', ...args], { env, cwd: folder })
  expect(await list('--repository', APP.toUpperCase(), '--json')).toMatchObject({ code: 0, stdout: '[]\n' })
  expect(await list()).toMatchObject({ code: 1, stderr: expect.stringContaining('this needs viewer') })
})

test('apply makes the roles as the file lists them, an export lists them, and a file without a list keeps them', async () => {
  const ada = { principal: 'email:ada@acme.example', role: 'admin' }
  const platform = { principal: 'group:platform', role: 'approver', repository: APP }
  expect(await apply({ operators: [ada, platform] })).toEqual([
    'add operator email:ada@acme.example',
    `add operator group:platform ${APP}`,
  ])
  expect(await apply({ operators: [ada, { ...platform, repository: APP.toUpperCase() }] })).toEqual([])
  expect(await apply({})).toEqual([])
  expect(await apply({ operators: [{ ...platform, role: 'viewer' }] })).toEqual([
    `change operator group:platform ${APP}`,
    'remove operator email:ada@acme.example',
  ])
  expect(await roles()).toEqual([expect.objectContaining({ ...platform, role: 'viewer' })])
  const exported: unknown = parse(await run('export'))
  expect(exported).toMatchObject({ operators: [{ ...platform, role: 'viewer' }] })
  expect(await apply(z.object({}).loose().parse(exported))).toEqual([])
  expect(await apply({ operators: [] })).toEqual([`remove operator group:platform ${APP}`])
})

test('a file that gives a name two roles in the same place is refused', async () => {
  const role = { principal: 'group:platform', repository: APP }
  const operators = [
    { ...role, role: 'viewer' },
    { ...role, repository: APP.toUpperCase(), role: 'admin' },
  ]
  writeFileSync(join(folder, 'gate.yaml'), stringify({ operators }))
  const env = { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken }
  const ran = await gitGate(['apply', 'gate.yaml', '--yes'], { env, cwd: folder })
  expect(ran.code).toBe(1)
  expect(ran.stderr).toContain('one role in a repository')
  expect(await roles()).toEqual([])
})
