import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { adminOf } from '../../local/admin-client.ts'
import { cloneIn } from '../harness/clone.ts'
import { accepted, gitText } from '../harness/index.ts'
import { start, stateFolder } from './launcher.ts'
import { ownUpstream } from './own-upstream.ts'
import { hasIPv6, listenersOf } from './surface.ts'

const AdminFile = z.object({ url: z.string(), token: z.string() })

/** Sends an operator's request to the gate of a state folder. */
const operatorOf = (state: string) => (method: string, about: string, body?: unknown) => {
  const { url, token } = AdminFile.parse(JSON.parse(fs.readFileSync(path.join(state, 'admin.json'), 'utf8')))
  return adminOf(url, token).request(method, about, body)
}

const NO_CLONE = /^gate: there is no clone URL: demo-agent/m

test('in an operator’s own repository demo-agent may push its own branches only', async () => {
  using home = stateFolder()
  await using upstream = await ownUpstream(home.dir, 'app')
  const gate = await start(path.join(home.dir, 'state'), upstream.args)
  const into = path.join(home.dir, 'work')
  await gitText(['clone', '-q', gate.lines.clone ?? '', into])
  const work = cloneIn(into)
  await work.commit('One', { file: 'one\n' })
  expect(await work.push('HEAD:refs/heads/demo-agent/x')).toMatchObject(accepted)
  await work.text(['commit', '-q', '--amend', '-m', 'Another one'])
  expect(await work.push('--force', 'HEAD:refs/heads/demo-agent/x')).toMatchObject(accepted)
  for (const ref of ['refs/heads/main', 'refs/heads/topic', 'refs/tags/v1'])
    expect((await work.push(`HEAD:${ref}`)).output).toMatch(/! \[remote rejected\].*git-gate/)
  expect(await work.push('--delete', 'refs/heads/demo-agent/x')).toMatchObject(accepted)
  expect(await gate.end('SIGTERM')).toMatchObject({ code: 0 })
})

test('a start brings back neither demo-agent nor its grant after an operator has removed it', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  const operator = operatorOf(state)
  await using upstream = await ownUpstream(home.dir, 'app')
  let gate = await start(state, upstream.args)
  expect(gate.lines.clone).toMatch(/\/app\.git$/)
  for (const [list, removed] of [
    ['/grants', '/grants/demo-agent/app'],
    ['/agents', '/agents/demo-agent'],
  ] as const) {
    await operator('DELETE', removed)
    expect(await gate.end('SIGTERM')).toMatchObject({ code: 0 })
    gate = await start(state, upstream.args)
    expect(gate.lines).toMatchObject({ upstream: upstream.url, clone: undefined })
    expect(gate.stderr()).toMatch(NO_CLONE)
    expect(await operator('GET', list)).toEqual([])
  }
  expect(await gate.end('SIGTERM')).toMatchObject({ code: 0 })
})

test('a start makes no token after an operator has revoked demo-agent’s, and no demo after its removal', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  const operator = operatorOf(state)
  const first = await start(state)
  const tokens = async () => z.array(z.object({ id: z.string() })).parse(await operator('GET', '/tokens'))
  const [token] = await tokens()
  await operator('DELETE', `/tokens/${token?.id}`)
  expect(await first.end('SIGTERM')).toMatchObject({ code: 0 })
  const second = await start(state)
  expect(second.lines).toMatchObject({ upstream: first.lines.upstream, clone: undefined })
  expect(second.stderr()).toMatch(NO_CLONE)
  expect(await tokens()).toHaveLength(1)
  await operator('DELETE', '/agents/demo-agent')
  await operator('DELETE', '/repositories/demo')
  expect(await second.end('SIGTERM')).toMatchObject({ code: 0 })
  const third = await start(state)
  expect(third.lines).toMatchObject({ upstream: undefined, clone: undefined })
  expect(await operator('GET', '/agents')).toEqual([])
  expect(await operator('GET', '/repositories')).toEqual([])
  expect(await third.end('SIGTERM')).toMatchObject({ code: 0 })
})

test('--no-demo makes no repository, agent or ssh server; an existing agent keeps demo-agent away', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  const operator = operatorOf(state)
  const alone = await start(state, ['--no-demo'])
  expect(alone.stdout().trim().split('\n')).toEqual([
    `gate: console ${alone.lines.console}`,
    `gate: ready ${alone.lines.ready}`,
  ])
  expect(await operator('GET', '/agents')).toEqual([])
  expect(await operator('GET', '/repositories')).toEqual([])
  // The gate on both loopback addresses and a Unix socket, its companion, and the launcher's port for workerd.
  expect(listenersOf(alone.child.pid ?? -1)).toHaveLength(hasIPv6 ? 5 : 4)
  await operator('POST', '/agents', { name: 'ada' })
  expect(await alone.end('SIGTERM')).toMatchObject({ code: 0 })

  await using upstream = await ownUpstream(home.dir, 'app')
  const second = await start(state, upstream.args)
  expect(second.lines).toMatchObject({ upstream: upstream.url, clone: undefined })
  expect(await operator('GET', '/agents')).toEqual([expect.objectContaining({ name: 'ada' })])
  expect(await second.end('SIGTERM')).toMatchObject({ code: 0 })
})

test('--no-demo with an upstream makes the repository alone', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  const operator = operatorOf(state)
  await using upstream = await ownUpstream(home.dir, 'app')
  const gate = await start(state, [...upstream.args, '--no-demo'])
  expect(gate.lines).toMatchObject({ upstream: upstream.url, clone: undefined })
  expect(gate.stderr()).toBe('')
  expect(await operator('GET', '/agents')).toEqual([])
  expect(await operator('GET', '/repositories')).toEqual([expect.objectContaining({ name: 'app' })])
  expect(await gate.end('SIGTERM')).toMatchObject({ code: 0 })
})
