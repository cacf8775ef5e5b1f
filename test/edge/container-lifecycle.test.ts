import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROTOCOL } from '../../src/contract/companion-api/pass.ts'
import { accepted, megabytes, type Ran, seconds, type Upstream, until } from '../harness/index.ts'
import { type EdgeAgent, type EdgeGate, type EdgeRepository, startEdgeGate } from './fixtures/edge-gate.ts'
import { ended, type Instance, imageOfProtocol } from './fixtures/engine.ts'

/** Starts a gate for several tests, each with its own repository, so that they can run in parallel. */
function gateWith(settings: Record<string, string>, ...repositories: string[]): () => EdgeGate {
  let gate: EdgeGate | undefined
  beforeAll(async () => {
    gate = await startEdgeGate({ repositories, settings })
  })
  afterAll(() => gate?.[Symbol.asyncDispose]())
  return () => gate as EdgeGate
}

/** Runs `git ls-remote` until its result fits. */
const untilTold = (agent: EdgeAgent, fits: (ran: Ran) => boolean) =>
  until(
    async () => {
      const ran = await agent.look()
      return fits(ran) ? ran : undefined
    },
    seconds(60),
    () => 'nobody was told so',
  )
const works = ({ code }: Ran) => code === 0

/** Returns whether a file is a pack in quarantine, whole or not (`tmp_objdir-incoming-…`). */
const isPack = (file: string) => /incoming-[^/]*\/pack\/[^/]*$/.test(file)

/** Lists the files of a folder in which git makes and removes folders meanwhile. */
function filesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch {
    return []
  }
}

/** Holds pushes at upstream until `goOn`. */
function holdUp(upstream: Upstream): { goOn(): void } {
  const sign = path.join(upstream.dir, 'go-on')
  upstream.hook('pre-receive', `echo upstream thinks >&2; until [ -e '${sign}' ]; do sleep 0.05; done`)
  return { goOn: () => fs.writeFileSync(sign, '') }
}

async function pushHeldUp(repository: EdgeRepository) {
  const ada = await repository.agent('ada')
  const work = await ada.clone()
  const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  const { goOn } = holdUp(repository.upstream)
  const push = work.push('HEAD:refs/heads/ada/hello')
  await push.until(/upstream thinks/)
  return { ada, push, commit, goOn, container: repository.container() }
}

describe.concurrent('a container', () => {
  const gate = gateWith(
    {
      GATE_OPEN_PUSH_TIMEOUT_SECONDS: '1',
      GATE_SCAN_SECONDS: '77',
      GATE_MIN_RECEIVE_BYTES_PER_SECOND: '500',
      // An identity's key, though its name ends like a setting.
      GATE_IDENTITY_NIGHTLY_SESSIONS: 'a private key',
    },
    'races',
    'broken',
    'older',
    'newer',
    'crash',
    'mute',
    'stop',
    'gone',
    'secrets',
  )

  test('is started once for many simultaneous agents, with the secrets of its repository alone', async () => {
    const races = gate().repository('races')
    const ada = await races.agent('ada')
    for (const ran of await Promise.all(Array.from({ length: 8 }, () => ada.look())))
      expect(ran).toMatchObject(accepted)
    expect(races.containers()).toHaveLength(1)
    expect(Object.keys(races.container().env).sort()).toEqual([
      'COMPANION_PORT',
      'GATE_IDENTITY_RACES',
      'GATE_MIN_RECEIVE_BYTES_PER_SECOND',
      'GATE_OPEN_PUSH_TIMEOUT_SECONDS',
      'GATE_PASS_KEY',
      'GATE_SCAN_SECONDS',
      'GATE_SEED_WAIT_SECONDS',
      'GATE_SHUTDOWN_REPORT_SECONDS',
    ])
    const work = await ada.clone()
    const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
    expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
    expect(await races.upstream.ref('refs/heads/ada/hello')).toBe(commit)
    await races.push({ outcome: 'accepted' })
  })

  test('that does not start is retried after a pause, and git prints so', async () => {
    const broken = gate().repository('broken')
    const ada = await broken.agent('ada')
    gate().engine.images.set('broken', [process.execPath, '-e', 'process.exit(3)'])
    const { output } = await ada.look()
    expect(output).toMatch(
      /remote: git-gate: the gate's companion for this repository could not be started; .* try again in 1 s/,
    )
    gate().engine.images.delete('broken')
    await untilTold(ada, works)
  })

  test.for([
    ['older', PROTOCOL - 1, 'companion'],
    ['newer', PROTOCOL + 1, 'Worker'],
  ] as const)(
    'of an %s protocol is stopped without a request, and the next image serves',
    async ([name, protocol, old]) => {
      const repository = gate().repository(name)
      const ada = await repository.agent('ada')
      gate().engine.images.set(name, imageOfProtocol(protocol))
      const { output } = await ada.look()
      expect(output).toContain(
        `remote: git-gate: the gate is being upgraded, and its ${old} is still the old one`,
      )
      await ended(repository.containers()[0] as Instance)
      gate().engine.images.delete(name)
      await untilTold(ada, works)
    },
  )

  test('that dies during a push: the push is recorded as failed, and the next push gets a new container', async () => {
    const crash = gate().repository('crash')
    const ada = await crash.agent('ada')
    const work = await ada.clone()
    const hello = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
    await work.commit('Something big', { big: megabytes(16) })
    const push = work.push('HEAD:refs/heads/ada/big')
    const { child, home } = crash.container()
    await until(
      () => (filesIn(home).some(isPack) ? true : undefined),
      seconds(30),
      () => 'no pack comes in',
    )
    child.kill('SIGKILL')
    const { code, output } = await push
    expect(code).not.toBe(0)
    // An answer that has begun can only break off, and a client that is sending may lose its connection.
    expect(output).toMatch(/git-gate: (the gate has lost its companion|checking)|RPC failed/)
    await crash.push({ outcome: 'failed' })
    expect(await work.push(`${hello}:refs/heads/ada/hello`)).toMatchObject(accepted)
    expect(crash.containers()).toHaveLength(2)
  })

  test('that refuses the connection of a push: git gets its response, and the next push succeeds', async () => {
    const mute = gate().repository('mute')
    const ada = await mute.agent('ada')
    const work = await ada.clone()
    gate().engine.unreachable.add('mute')
    const answer = await fetch(`${ada.url.replace(/\/\/.*@/, '//')}/git-receive-pack`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${ada.token}`,
        'content-type': 'application/x-git-receive-pack-request',
      },
      body: '0000',
      signal: AbortSignal.timeout(seconds(10)),
    })
    expect(await answer.text()).toContain('git-gate: the gate has lost its companion')
    gate().engine.unreachable.delete('mute')
    await work.commit('Say hello', { 'hello.txt': 'hello\n' })
    expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
    expect(mute.containers()).toHaveLength(1)
  })

  test('that is told to stop ends its forward first and refuses new requests; then the next one starts', async () => {
    const stop = gate().repository('stop')
    const { ada, push, commit, goOn, container } = await pushHeldUp(stop)
    container.child.kill('SIGTERM')
    container.child.kill('SIGTERM')
    const { output } = await untilTold(ada, ({ code }) => code !== 0)
    expect(output).toContain('remote: git-gate: the gate is stopping; try again in a few seconds')
    goOn()
    expect(await push).toMatchObject(accepted)
    expect(await stop.upstream.ref('refs/heads/ada/hello')).toBe(commit)
    await stop.push({ outcome: 'accepted' })
    await ended(container)
    expect(container.child.exitCode).toBe(0)
    expect(await ada.look()).toMatchObject(accepted)
    expect(stop.containers()).toHaveLength(2)
  })

  test('that is told to stop waits until the outcome of a push without a client is fetched', async () => {
    const gone = gate().repository('gone')
    const { push, commit, goOn, container } = await pushHeldUp(gone)
    push.kill()
    container.child.kill('SIGTERM')
    goOn()
    await gone.push({ outcome: 'accepted' })
    expect(await gone.upstream.ref('refs/heads/ada/hello')).toBe(commit)
    await ended(container)
  })

  test('outlives its Durable Object, and is replaced when the secrets have changed', async () => {
    const secrets = gate().repository('secrets')
    const ada = await secrets.agent('ada')
    expect(await ada.look()).toMatchObject(accepted)
    const first = secrets.container()
    await secrets.evict()
    expect(await ada.look()).toMatchObject(accepted)
    expect(secrets.container()).toBe(first)
    await secrets.takeIdentityOf('races')
    expect(await ada.look()).toMatchObject(accepted)
    expect(first.child.exitCode).toBe(0)
    const { env } = secrets.container()
    expect(env).toHaveProperty('GATE_IDENTITY_RACES')
    expect(env).not.toHaveProperty('GATE_IDENTITY_SECRETS')
  })
})

describe.concurrent('a container with little time', () => {
  const gate = gateWith({ GATE_START_SECONDS: '2' }, 'slow')

  test('to start goes on starting after its client got a 503', async () => {
    const slow = gate().repository('slow')
    const ada = await slow.agent('ada')
    const { promise, resolve: goOn } = Promise.withResolvers<void>()
    gate().engine.holds.set('slow', promise)
    const { output } = await ada.look()
    expect(output).toContain(
      "remote: git-gate: the gate's companion for this repository is starting; try again in a few seconds",
    )
    const { status, headers } = await fetch(
      `${ada.url.replace(/\/\/.*@/, '//')}/info/refs?service=git-upload-pack`,
      {
        headers: { authorization: `Bearer ${ada.token}` },
      },
    )
    expect([status, headers.get('retry-after')]).toEqual([503, '5'])
    goOn()
    await untilTold(ada, works)
    expect(slow.containers()).toHaveLength(1)
  })
})

describe.concurrent('an idle container', () => {
  const gate = gateWith({ GATE_CONTAINER_IDLE_SECONDS: '6' }, 'unused', 'used', 'watched')

  test('is stopped, also after its Durable Object was evicted', async () => {
    const unused = gate().repository('unused')
    const ada = await unused.agent('ada')
    await untilTold(ada, works)
    const first = unused.container()
    await ended(first)
    expect(first.child.exitCode).toBe(0)
    await untilTold(ada, works)
    await unused.evict()
    await ended(unused.container())
    expect(unused.containers()).toHaveLength(2)
  })

  test('is neither kept running nor started by status requests', async () => {
    const watched = gate().repository('watched')
    expect(await watched.now()).toEqual({ companion: 'stopped', status: null })
    const ada = await watched.agent('ada')
    await untilTold(ada, works)
    expect(await watched.now()).toMatchObject({
      companion: 'running',
      status: { counts: { refreshes: { failed: 0 } } },
    })
    expect(await gate().metrics()).toContain(
      'gate_refreshes_total{repository="watched",outcome="succeeded"} ',
    )
    const { child } = watched.container()
    await until(
      async () => {
        await Promise.all([watched.now(), gate().metrics()])
        return child.exitCode ?? undefined
      },
      seconds(30),
      () => 'the container goes on',
    )
    // workerd sees the end a moment later.
    await expect.poll(() => watched.now()).toEqual({ companion: 'stopped', status: null })
    expect(await gate().metrics()).not.toContain('repository="watched"')
    expect(watched.containers()).toHaveLength(1)
  })

  test('is not stopped during a push', async () => {
    const used = gate().repository('used')
    await untilTold(await used.agent('ada'), works)
    const { push, container, goOn } = await pushHeldUp(used)
    // Longer than the timeout, while upstream holds the push and no other request comes.
    await delay(seconds(7))
    expect(container.child.exitCode).toBe(null)
    goOn()
    expect(await push).toMatchObject(accepted)
    expect(used.container()).toBe(container)
    await ended(container)
  })
})
