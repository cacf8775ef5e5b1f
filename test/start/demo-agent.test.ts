import path from 'node:path'
import { expect, test } from 'vitest'
import { gitGate } from '../cli/command.ts'
import { cloneIn } from '../harness/clone.ts'
import { accepted, gitText } from '../harness/index.ts'
import { start, stateFolder } from './launcher.ts'
import { ownUpstream } from './own-upstream.ts'
import { hasIPv6, listenersOf } from './surface.ts'

/** Runs the operator's command on the gate of a state folder. */
const operatorOf = (state: string) => async (command: string) => {
  const ran = await gitGate([...command.split(' '), '--json'], { env: { GATE_HOME: state } })
  expect(ran).toMatchObject({ code: 0 })
  return JSON.parse(ran.stdout)
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

test.each([
  ['demo-agent', 'agent remove demo-agent', 'agent list', []],
  ['its grant', 'grant remove demo-agent app', 'grant list', []],
])('a start does not bring back %s after an operator has removed it', async (_, remove, list, left) => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  const operator = operatorOf(state)
  await using upstream = await ownUpstream(home.dir, 'app')
  const first = await start(state, upstream.args)
  expect(first.lines.clone).toMatch(/\/app\.git$/)
  await operator(remove)
  expect(await first.end('SIGTERM')).toMatchObject({ code: 0 })
  const second = await start(state, upstream.args)
  expect(second.lines).toMatchObject({ upstream: upstream.url, clone: undefined })
  expect(second.stderr()).toMatch(NO_CLONE)
  expect(await operator(list)).toEqual(left)
  expect(await second.end('SIGTERM')).toMatchObject({ code: 0 })
})

test('a start does not make a new token after an operator has revoked demo-agent’s', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  const operator = operatorOf(state)
  const first = await start(state)
  const [token] = await operator('token list')
  await operator(`token revoke ${token.id}`)
  expect(await first.end('SIGTERM')).toMatchObject({ code: 0 })
  const second = await start(state)
  expect(second.lines).toMatchObject({ upstream: first.lines.upstream, clone: undefined })
  expect(second.stderr()).toMatch(NO_CLONE)
  expect(await operator('token list')).toHaveLength(1)
  expect(await second.end('SIGTERM')).toMatchObject({ code: 0 })
})

test('a start does not bring the demo back after an operator has removed it', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  const operator = operatorOf(state)
  const first = await start(state)
  await operator('agent remove demo-agent')
  await operator('repo remove demo')
  expect(await first.end('SIGTERM')).toMatchObject({ code: 0 })
  const second = await start(state)
  expect(second.lines).toMatchObject({ upstream: undefined, clone: undefined })
  expect(await operator('agent list')).toEqual([])
  expect(await operator('repo list')).toEqual([])
  expect(await second.end('SIGTERM')).toMatchObject({ code: 0 })
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
  expect(await operator('agent list')).toEqual([])
  expect(await operator('repo list')).toEqual([])
  // The gate on both loopback addresses and a Unix socket, its companion, and the launcher's port for workerd.
  expect(listenersOf(alone.child.pid ?? -1)).toHaveLength(hasIPv6 ? 5 : 4)
  await operator('agent add ada')
  expect(await alone.end('SIGTERM')).toMatchObject({ code: 0 })

  await using upstream = await ownUpstream(home.dir, 'app')
  const second = await start(state, upstream.args)
  expect(second.lines).toMatchObject({ upstream: upstream.url, clone: undefined })
  expect(await operator('agent list')).toEqual([expect.objectContaining({ name: 'ada' })])
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
  expect(await operator('agent list')).toEqual([])
  expect(await operator('repo list')).toEqual([expect.objectContaining({ name: 'app' })])
  expect(await gate.end('SIGTERM')).toMatchObject({ code: 0 })
})
