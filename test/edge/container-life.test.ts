import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { accepted, git, megabytes, seconds, until } from '../harness/index.ts'
import { startEdgeGate } from './edge-gate.ts'
import { companionImage, type Instance, imageOfProtocol } from './engine.ts'

const mayPush = { push: ['refs/heads/ada/**'] }

/** Waits until a container's process is gone. */
const ended = ({ child, pid }: Instance, within = seconds(10)) =>
  until(
    () => (child.exitCode !== null || child.signalCode !== null ? true : undefined),
    within,
    () => `the container ${pid} goes on`,
  )

test('ten agents who come at once start one container, with the secrets of its own repository alone', async () => {
  await using gate = await startEdgeGate({
    repositories: ['app', 'other'],
    settings: { GATE_SCAN_SECONDS: '77' },
  })
  const ada = await gate.agent('ada', mayPush)
  const asked = await Promise.all(Array.from({ length: 10 }, () => git(['ls-remote', ada.url])))
  for (const ran of asked) expect(ran).toMatchObject(accepted)
  expect(gate.engine.of('app')).toHaveLength(1)
  expect(gate.engine.of('other')).toHaveLength(0)
  expect(Object.keys(gate.engine.running('app').env).sort()).toEqual([
    'COMPANION_PORT',
    'GATE_IDENTITY_FOR_APP',
    'GATE_PASS_KEY',
    'GATE_REPORT_SECONDS',
    'GATE_SCAN_SECONDS',
  ])
  const work = await ada.clone()
  const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
  expect(await gate.upstream('app').ref('refs/heads/ada/hello')).toBe(commit)
  expect(await gate.ledger.last()).toMatchObject({ outcome: 'accepted' })
})

test('who does not want to wait for a slow start is told so, and finds it done later', async () => {
  await using gate = await startEdgeGate({ settings: { GATE_START_SECONDS: '1' } })
  const ada = await gate.agent('ada', mayPush)
  const { promise, resolve: letGo } = Promise.withResolvers<void>()
  gate.engine.hold = promise
  const early = await git(['ls-remote', ada.url])
  expect(early.output).toMatch(
    /remote: git-gate: the gate's companion for this repository is starting; try again/,
  )
  const { status, headers } = await fetch(`${gate.url}/app.git/info/refs?service=git-upload-pack`, {
    headers: { authorization: `Bearer ${ada.token}` },
  })
  expect([status, headers.get('retry-after')]).toEqual([503, '5'])
  letGo()
  await until(
    async () => ((await git(['ls-remote', ada.url])).code === 0 ? true : undefined),
    seconds(20),
    () => 'the container does not come up',
  )
  expect(gate.engine.of('app')).toHaveLength(1)
})

test('an image that does not start is tried again after a pause, and says so to git', async () => {
  await using gate = await startEdgeGate()
  const ada = await gate.agent('ada', mayPush)
  gate.engine.image = [process.execPath, '-e', 'process.exit(3)']
  const first = await git(['ls-remote', ada.url])
  expect(first.output).toMatch(
    /remote: git-gate: the gate's companion for this repository could not be started; .*try again in 1 s/,
  )
  const hurried = await Promise.all(Array.from({ length: 5 }, () => git(['ls-remote', ada.url])))
  for (const { output } of hurried) expect(output).toMatch(/could not be started/)
  expect(gate.engine.of('app').length).toBeLessThanOrEqual(2)
  gate.engine.image = companionImage
  await until(
    async () => ((await git(['ls-remote', ada.url])).code === 0 ? true : undefined),
    seconds(20),
    () => 'the container does not come up',
  )
})

test.for([
  [0, 'companion is still the old one'],
  [2, 'Worker is still the old one'],
] as const)(
  'a companion of protocol %i is not asked, and stopped; the next image is',
  async ([protocol, words]) => {
    await using gate = await startEdgeGate()
    const ada = await gate.agent('ada', mayPush)
    gate.engine.image = imageOfProtocol(protocol)
    expect((await git(['ls-remote', ada.url])).output).toMatch(
      new RegExp(`remote: git-gate: the gate is being upgraded, and its ${words}`),
    )
    await ended(gate.engine.of('app')[0] as Instance)
    gate.engine.image = companionImage
    await until(
      async () => ((await git(['ls-remote', ada.url])).code === 0 ? true : undefined),
      seconds(30),
      () => 'the new image is not started',
    )
  },
)

test('a container that dies in mid-push fails that push, and the next one finds a new container', async () => {
  await using gate = await startEdgeGate({ settings: { GATE_LOST_PUSH_SECONDS: '1' } })
  const ada = await gate.agent('ada', mayPush)
  const work = await ada.clone()
  await work.commit('Something big', { big: megabytes(30) })
  const first = gate.engine.running('app')
  gate.upstream('app').hook('pre-receive', 'sleep 60')
  const push = work.push('HEAD:refs/heads/ada/big')
  await push.until(/Writing objects/)
  first.child.kill('SIGKILL')
  const ran = await push
  expect(ran.code).not.toBe(0)
  await gate.ledger.until(({ outcome }) => outcome === 'failed', seconds(30))
  gate.upstream('app').hook('pre-receive')
  expect(await work.push('HEAD:refs/heads/ada/big')).toMatchObject(accepted)
  expect(gate.engine.of('app')).toHaveLength(2)
})

test('a container told to stop ends its forward first, refuses whoever comes, and tells the outcome', async () => {
  await using gate = await startEdgeGate()
  const ada = await gate.agent('ada', mayPush)
  const work = await ada.clone()
  const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  const upstream = gate.upstream('app')
  const sign = path.join(upstream.dir, 'go')
  upstream.hook('pre-receive', `echo upstream thinks >&2; until [ -e '${sign}' ]; do sleep 0.05; done`)
  const push = work.push('HEAD:refs/heads/ada/hello')
  await push.until(/upstream thinks/)
  const first = gate.engine.running('app')
  first.child.kill('SIGTERM')
  const refused = await until(
    async () => {
      const ran = await git(['ls-remote', ada.url])
      return ran.code ? ran : undefined
    },
    seconds(10),
    () => 'the stopping container lets new sessions in',
  )
  expect(refused.output).toMatch(/remote: git-gate: the gate is stopping; try again in a few seconds/)
  fs.writeFileSync(sign, '')
  expect(await push).toMatchObject(accepted)
  expect(await upstream.ref('refs/heads/ada/hello')).toBe(commit)
  expect(await gate.ledger.last()).toMatchObject({ outcome: 'accepted' })
  await ended(first)
  expect(first.child.exitCode).toBe(0)
  expect(await git(['ls-remote', ada.url])).toMatchObject(accepted)
  expect(gate.engine.of('app')).toHaveLength(2)
})

test('a stopping container waits to be asked for the outcome of a push whose client has gone', async () => {
  await using gate = await startEdgeGate()
  const ada = await gate.agent('ada', mayPush)
  const work = await ada.clone()
  const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  const upstream = gate.upstream('app')
  const sign = path.join(upstream.dir, 'go')
  upstream.hook('pre-receive', `echo upstream thinks >&2; until [ -e '${sign}' ]; do sleep 0.05; done`)
  const push = work.push('HEAD:refs/heads/ada/hello')
  await push.until(/upstream thinks/)
  push.kill()
  const first = gate.engine.running('app')
  first.child.kill('SIGTERM')
  fs.writeFileSync(sign, '')
  await gate.ledger.until(({ outcome }) => outcome === 'accepted', seconds(30))
  expect(await upstream.ref('refs/heads/ada/hello')).toBe(commit)
  await ended(first)
})

test('a container that nobody uses is stopped, also when its Durable Object was thrown out of memory', async () => {
  await using gate = await startEdgeGate({ settings: { GATE_CONTAINER_IDLE_SECONDS: '2' } })
  const ada = await gate.agent('ada', mayPush)
  expect(await git(['ls-remote', ada.url])).toMatchObject(accepted)
  const first = gate.engine.running('app')
  await ended(first)
  expect(first.child.exitCode).toBe(0)
  expect(await git(['ls-remote', ada.url])).toMatchObject(accepted)
  const second = gate.engine.running('app')
  await gate.evict('app')
  await ended(second)
  expect(gate.engine.of('app')).toHaveLength(2)
})

test('a container in use outlives the inactivity time-out', async () => {
  await using gate = await startEdgeGate({ settings: { GATE_CONTAINER_IDLE_SECONDS: '1' } })
  const ada = await gate.agent('ada', mayPush)
  const work = await ada.clone()
  await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  gate.upstream('app').hook('pre-receive', 'sleep 4')
  expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
  expect(gate.engine.of('app')).toHaveLength(1)
})

test('a new Durable Object takes over the running container; one with other secrets is replaced', async () => {
  await using gate = await startEdgeGate({ repositories: ['app', 'other'] })
  const ada = await gate.agent('ada', mayPush)
  expect(await git(['ls-remote', ada.url])).toMatchObject(accepted)
  const first = gate.engine.running('app')
  await gate.evict('app')
  expect(await git(['ls-remote', ada.url])).toMatchObject(accepted)
  expect(gate.engine.of('app')).toHaveLength(1)
  await gate.exchangeIdentity('app', 'other')
  expect(await git(['ls-remote', ada.url])).toMatchObject(accepted)
  expect(first.child.exitCode).toBe(0)
  const second = gate.engine.running('app')
  expect(second.env).toHaveProperty('GATE_IDENTITY_FOR_OTHER')
  expect(second.env).not.toHaveProperty('GATE_IDENTITY_FOR_APP')
})
