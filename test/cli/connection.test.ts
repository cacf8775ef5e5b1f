import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectRoot } from '../../local/worker/bundle.ts'
import { gitGate } from './command.ts'
import { startAccessProxy } from './fixtures/access-proxy.ts'
import { type Operator, startOperator } from './fixtures/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
}, 60_000)
afterAll(() => operator[Symbol.asyncDispose]())

test('an unreachable gate and an invalid admin token are reported', async () => {
  const listWith = (env: Record<string, string>) => gitGate(['agent', 'list'], { env, cwd: operator.folder })
  expect(await listWith({ ...operator.env, GATE_URL: 'http://127.0.0.1:1' })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no gate responds'),
  })
  expect(await listWith({ ...operator.env, GATE_ADMIN_TOKEN: 'wrong' })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('admin'),
  })
  const broken = await listWith({ ...operator.env, GATE_ADMIN_TOKEN: `${operator.gate.adminToken}\nß` })
  expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('GATE_ADMIN_TOKEN') })
  expect(broken.stderr).not.toContain(operator.gate.adminToken)
  expect(await listWith({ GATE_HOME: '/nowhere' })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('GATE_URL'),
  })
})

test('a gate behind Cloudflare Access needs a service token, and the error without one says so', async () => {
  await using edge = await startAccessProxy(operator.gate.url)
  const list = (more: Record<string, string>) =>
    gitGate(['agent', 'list'], { env: { ...operator.env, GATE_URL: edge.url, ...more } })
  expect(await list({})).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/redirects to https:\/\/acme\.example\n.*GATE_ACCESS_CLIENT_ID/s),
  })
  expect(await list({ GATE_ACCESS_CLIENT_ID: edge.id })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('needs an id and a secret'),
  })
  const accepted = await list({ GATE_ACCESS_CLIENT_ID: edge.id, GATE_ACCESS_CLIENT_SECRET: edge.secret })
  expect(accepted).toMatchObject({ code: 0, stderr: '' })
})

test('the command finds a local gate by its admin file, and runs through a symbolic link', async () => {
  mkdirSync(join(operator.folder, 'home'))
  writeFileSync(
    join(operator.folder, 'home/admin.json'),
    JSON.stringify({ url: operator.gate.url, token: operator.gate.adminToken }),
  )
  expect(
    await gitGate(['agent', 'list'], { env: { GATE_HOME: join(operator.folder, 'home') } }),
  ).toMatchObject({
    code: 0,
  })
  expect(
    await gitGate(['agent', 'list'], { env: { GATE_HOME: 'home' }, cwd: operator.folder }),
  ).toMatchObject({
    code: 0,
  })
  for (const url of [`${operator.gate.url}/`, operator.gate.url.replace('http', 'HTTP')])
    expect(
      await gitGate(['agent', 'list'], { env: { GATE_HOME: join(operator.folder, 'home'), GATE_URL: url } }),
      url,
    ).toMatchObject({ code: 0 })
  mkdirSync(join(operator.folder, 'bin'))
  symlinkSync(`${projectRoot}/cli/git-gate`, join(operator.folder, 'bin/git-gate'))
  const out = execFileSync('git', ['gate', 'repo', 'list', '--json'], {
    cwd: operator.folder,
    env: { ...operator.env, PATH: `${join(operator.folder, 'bin')}:${process.env.PATH}` },
    encoding: 'utf8',
  })
  expect(JSON.parse(out)).toBeInstanceOf(Array)
})

test('the token of a local gate is not sent to another gate', async () => {
  const home = mkdtempSync(join(operator.folder, 'other-'))
  writeFileSync(
    join(home, 'admin.json'),
    JSON.stringify({ url: operator.gate.url, token: operator.gate.adminToken }),
  )
  for (const url of ['http://127.0.0.1:1', `${operator.gate.url}/elsewhere`])
    expect(await gitGate(['agent', 'list'], { env: { GATE_HOME: home, GATE_URL: url } }), url).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GATE_ADMIN_TOKEN is not set'),
    })
})
