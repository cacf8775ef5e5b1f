import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accepted, seconds, until } from '../../harness/index.ts'
import { portOf, type Scene, sessionsOf, startScene } from '../fixtures/fault-fixture.ts'
import { fetchHeaders, grantOn } from '../fixtures/passes.ts'
import { openPush, postPush, shownOf } from '../fixtures/raw-push.ts'
import { beginPush, newPush, pushesIn, trickle } from '../fixtures/slow/slow-push.ts'

const WAYS = ['worker', 'git://'] as const

const recordOf = (scene: Scene, ref: string) =>
  scene.gate.ledger.until(push => push.refs.some(each => each.ref === ref) && push.outcome !== 'open')

describe('a push that arrives too slowly is disconnected', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({
      idleSeconds: 4,
      settings: { GATE_COMMANDS_SECONDS: '3', GATE_RECEIVE_SECONDS: '8', GATE_PACK_START_SECONDS: '20' },
    })
  })
  afterAll(() => scene?.[Symbol.asyncDispose]())

  test.for(WAYS)('%s: a byte now and then in the pack', async surface => {
    const { ref, bytes } = await newPush(scene)
    const push = await beginPush(scene, surface)
    push.send(bytes.subarray(0, 300_000))
    const started = performance.now()
    using _trickle = trickle(push, Buffer.from('x'), 700)
    expect(await recordOf(scene, ref)).toMatchObject({ outcome: 'abandoned', disconnectReason: 'too-slow' })
    expect(performance.now() - started).toBeLessThan(seconds(8))
    expect(await scene.gate.upstream.ref(ref)).toBeUndefined()
    push.destroy()
  })

  test.for(WAYS)('%s: a steady rate without an end', async surface => {
    const { ref, bytes } = await newPush(scene)
    const push = await beginPush(scene, surface)
    push.send(bytes.subarray(0, 300_000))
    let at = 300_000
    const timer = setInterval(() => {
      push.send(bytes.subarray(at, at + 4_000))
      at += 4_000
    }, 200)
    const record = await recordOf(scene, ref).finally(() => clearInterval(timer))
    expect(record).toMatchObject({ outcome: 'abandoned', disconnectReason: 'too-slow' })
    push.destroy()
  })

  test.for(WAYS)('%s: an endless command list', async surface => {
    const push = await beginPush(scene, surface)
    // The length of a packet; bytes of it follow.
    push.send(Buffer.from('0fff'))
    await until(
      async () => (await pushesIn(scene)) || undefined,
      seconds(10),
      () => 'no session',
    )
    const started = performance.now()
    using _trickle = trickle(push, Buffer.alloc(100, 'a'), 300)
    const none = async () => ((await pushesIn(scene)) ? undefined : true)
    await until(none, seconds(10), () => 'its session stays')
    expect(performance.now() - started).toBeLessThan(seconds(6))
    push.destroy()
  })

  test.for(WAYS)(
    '%s: a pause between command list and pack may be longer than a pause in the pack',
    async surface => {
      const { ref, bytes } = await newPush(scene)
      const list = bytes.indexOf('0000PACK') + 4
      const push = await beginPush(scene, surface)
      push.send(bytes.subarray(0, list))
      await delay(seconds(6))
      push.send(bytes.subarray(list))
      push.end()
      await push.reported()
      expect(shownOf(push.answer)).toContain(` * ${ref} -> ${ref}`)
      push.destroy()
    },
  )

  test.for(['companion', 'git://'] as const)('%s: an endless request of a fetch', async surface => {
    const { gate } = scene
    const fetch =
      surface === 'git://'
        ? await openPush(portOf(gate, surface), '/app.git', 'git-upload-pack')
        : await postPush(
            portOf(gate, surface),
            '/git-upload-pack',
            await fetchHeaders(gate, await grantOn(gate, 'app', 'ada')),
          )
    fetch.send(Buffer.from('0fff'))
    const started = performance.now()
    using _trickle = trickle(fetch, Buffer.from('a'), 300)
    await fetch.closed
    expect(performance.now() - started).toBeLessThan(seconds(10))
    const none = async () => ((await sessionsOf(gate)).length ? undefined : true)
    await until(none, seconds(10), () => 'its session stays')
  })

  test('a request that trickles on after its answer is closed', async () => {
    for (const [port, path, headers] of [
      [portOf(scene.gate, 'companion'), '/git-receive-pack', {}],
      [scene.gate.port, '/app.git/git-receive-pack', { authorization: 'Bearer gate_aaaaaaaaaa_none' }],
    ] as const) {
      const push = await postPush(port, path, headers)
      const started = performance.now()
      using _trickle = trickle(push, Buffer.from('x'), 300)
      await push.closed
      expect(push.answer).toMatch(/^HTTP\/1.1 40[13]/)
      expect(performance.now() - started).toBeLessThan(seconds(25))
    }
  })
})

describe('with the default timeouts', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({ idleSeconds: 90 })
  })
  afterAll(() => scene?.[Symbol.asyncDispose]())

  test('a push whose client is silent for more than 15 s is accepted, and blocks no other', async () => {
    const { gate, work } = scene
    const silent = await newPush(scene)
    const contested = await newPush(scene)
    const pushes = await Promise.all(WAYS.map(surface => beginPush(scene, surface)))
    const [overHttp, overGit] = pushes
    overHttp?.send(silent.bytes.subarray(0, 300_000))
    overGit?.send(contested.bytes.subarray(0, 300_000))
    const both = async () => ((await pushesIn(scene)) === 2 ? true : undefined)
    await until(both, seconds(20), () => 'they do not begin')
    const silentSince = performance.now()

    await work.commit('Another change of the same ref', { other: 'other\n' })
    expect(await work.push(`HEAD:${contested.ref}`)).toMatchObject(accepted)
    expect(await work.git(['fetch', 'origin', contested.ref])).toMatchObject(accepted)
    expect(performance.now() - silentSince).toBeLessThan(seconds(10))
    expect(await pushesIn(scene)).toBe(2)

    await delay(silentSince + seconds(20) - performance.now())
    for (const [push, { bytes }] of [
      [overHttp, silent],
      [overGit, contested],
    ] as const) {
      push?.send(bytes.subarray(300_000))
      push?.end()
      await push?.reported()
    }
    expect(shownOf(overHttp?.answer ?? '')).toContain(` * ${silent.ref} -> ${silent.ref}`)
    expect(shownOf(overGit?.answer ?? '')).toMatch(/! \[remote rejected\]/)
    for (const push of pushes) push.destroy()
    await gate.idle({ within: seconds(10) })
  })

  test.for(WAYS)('%s: a silent client that closes is dropped at once', async surface => {
    const { bytes } = await newPush(scene)
    const push = await beginPush(scene, surface)
    push.send(bytes.subarray(0, 300_000))
    const there = async () => (await pushesIn(scene)) || undefined
    await until(there, seconds(10), () => 'it does not begin')
    const started = performance.now()
    push.destroy()
    await scene.gate.idle({ within: seconds(10) })
    expect(performance.now() - started).toBeLessThan(seconds(4))
  })
})
