import { once } from 'node:events'
import net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pktLine } from '../../container/git/pkt-line.ts'
import { accepted, seconds, until } from '../harness/index.ts'
import { portOf, type Scene, type Surface, sessionsOf, startScene } from './fixtures/fault-fixture.ts'
import { changeFor } from './fixtures/held-push.ts'
import { grantOn, passFor } from './fixtures/passes.ts'
import { openPush, postPush, pushBody, type RawPush, shownOf } from './fixtures/raw-push.ts'

const WAYS: readonly Surface[] = ['worker', 'git://']

const basic = ({ ada }: Scene) => `Basic ${Buffer.from(`ada:${ada.token}`).toString('base64')}`

const begin = (scene: Scene, surface: Surface): Promise<RawPush> =>
  surface === 'git://'
    ? openPush(portOf(scene.gate, surface), '/app.git')
    : postPush(scene.gate.port, '/app.git/git-receive-pack', { authorization: basic(scene) })

/** Sends that again and again, until disposed of. */
function trickle({ send }: RawPush, bytes: Buffer, everyMs: number): Disposable {
  const timer = setInterval(() => send(bytes), everyMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** A new ref, and the bytes of a push that creates it with a file of that many megabytes. */
async function newPush(scene: Scene, size = 1): Promise<{ ref: string; bytes: Buffer }> {
  const ref = scene.freshRef()
  await changeFor(scene, ref, size)
  return { ref, bytes: await pushBody(scene.work, ref) }
}

const recordOf = (scene: Scene, ref: string) =>
  scene.gate.ledger.until(push => push.refs.some(each => each.ref === ref) && push.outcome !== 'open')

const pushesIn = async (scene: Scene) =>
  (await sessionsOf(scene.gate)).filter(({ service }) => service === 'git-receive-pack').length

describe('a push that comes too slowly is let go', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({
      idleSeconds: 4,
      settings: { GATE_COMMANDS_SECONDS: '3', GATE_RECEIVE_SECONDS: '8', GATE_PACK_START_SECONDS: '20' },
    })
  })
  afterAll(() => scene?.[Symbol.asyncDispose]())

  test.for(WAYS)('%s: a byte now and then in mid-pack', async surface => {
    const { ref, bytes } = await newPush(scene)
    const push = await begin(scene, surface)
    push.send(bytes.subarray(0, 300_000))
    const started = performance.now()
    using _trickle = trickle(push, Buffer.from('x'), 700)
    expect(await recordOf(scene, ref)).toMatchObject({ outcome: 'abandoned', reaped: 'slow' })
    expect(performance.now() - started).toBeLessThan(seconds(8))
    expect(await scene.gate.upstream.ref(ref)).toBeUndefined()
    push.destroy()
  })

  test.for(WAYS)('%s: a steady rate that does not end', async surface => {
    const { ref, bytes } = await newPush(scene)
    const push = await begin(scene, surface)
    push.send(bytes.subarray(0, 300_000))
    let at = 300_000
    const timer = setInterval(() => {
      push.send(bytes.subarray(at, at + 4_000))
      at += 4_000
    }, 200)
    const record = await recordOf(scene, ref).finally(() => clearInterval(timer))
    expect(record).toMatchObject({ outcome: 'abandoned', reaped: 'slow' })
    push.destroy()
  })

  test.for(WAYS)('%s: a command list that is never whole', async surface => {
    const push = await begin(scene, surface)
    // The length of a packet, and then bytes of it.
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
    '%s: but a pause between command list and pack is longer than one in a pack',
    async surface => {
      const { ref, bytes } = await newPush(scene)
      const list = bytes.indexOf('0000PACK') + 4
      const push = await begin(scene, surface)
      push.send(bytes.subarray(0, list))
      await new Promise(resolve => setTimeout(resolve, seconds(6)))
      push.send(bytes.subarray(list))
      push.end()
      await push.reported()
      expect(shownOf(push.answer)).toContain(` * ${ref} -> ${ref}`)
      push.destroy()
    },
  )

  test('a request that was answered before its end does not stay by trickling', async () => {
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

describe('with the default bounds', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({ idleSeconds: 90 })
  })
  afterAll(() => scene?.[Symbol.asyncDispose]())

  test('a client that is silent for longer than 15 s has its push taken, and holds up nobody meanwhile', async () => {
    const { gate, work } = scene
    const silent = await newPush(scene)
    const contested = await newPush(scene)
    const pushes = await Promise.all(WAYS.map(surface => begin(scene, surface)))
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

    await new Promise(resolve => setTimeout(resolve, silentSince + seconds(20) - performance.now()))
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

  test.for(WAYS)('%s: a silent client that closes is let go at once', async surface => {
    const { bytes } = await newPush(scene)
    const push = await begin(scene, surface)
    push.send(bytes.subarray(0, 300_000))
    const there = async () => (await pushesIn(scene)) || undefined
    await until(there, seconds(10), () => 'it does not begin')
    const started = performance.now()
    push.destroy()
    await scene.gate.idle({ within: seconds(10) })
    expect(performance.now() - started).toBeLessThan(seconds(4))
  })
})

describe('pushes beyond an agent’s share', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({ idleSeconds: 90, settings: { GATE_MAX_AGENT_SESSIONS: '4' } })
  })
  afterAll(() => scene?.[Symbol.asyncDispose]())

  const half = async () => {
    const { headers } = await passFor(scene.gate, await grantOn(scene.gate, 'app', 'ada'))
    const push = await postPush(portOf(scene.gate, 'companion'), '/git-receive-pack', headers)
    push.send(Buffer.from('0fff'))
    return push
  }

  test('few are read until they can be told, for a short time; the others are closed at once', async () => {
    const { gate } = scene
    const inside = await Promise.all(Array.from({ length: 4 }, half))
    const all = async () => ((await pushesIn(scene)) === 4 ? true : undefined)
    await until(all, seconds(10), () => 'they are not let in')
    const started = performance.now()
    const beyond = await Promise.all(Array.from({ length: 6 }, half))
    const timers = beyond.map(push => trickle(push, Buffer.from('a'), 1_000))
    const ends: number[] = []
    await Promise.all(
      beyond.map(push => push.closed.then(() => ends.push((performance.now() - started) / 1000))),
    ).finally(() => {
      for (const timer of timers) timer[Symbol.dispose]()
    })
    const [last] = ends.sort((a, b) => b - a)
    expect(ends.filter(end => end < 4)).toHaveLength(5)
    expect(last).toBeGreaterThan(10)
    expect(last).toBeLessThan(20)
    expect(await pushesIn(scene)).toBe(4)
    for (const push of inside) push.destroy()
    await gate.idle({ within: seconds(10) })
  })

  test('a whole push is told why, in its report', async () => {
    const { bytes } = await newPush(scene)
    const inside = await Promise.all(Array.from({ length: 4 }, half))
    const all = async () => ((await pushesIn(scene)) === 4 ? true : undefined)
    await until(all, seconds(10), () => 'they are not let in')
    const push = await begin(scene, 'worker')
    push.send(bytes)
    push.end()
    await push.reported()
    expect(shownOf(push.answer)).toMatch(/remote rejected.*ada has 4 sessions at once/)
    for (const each of [push, ...inside]) each.destroy()
  })
})

test('over git:// an address has so many connections at once, and gets its place back', async () => {
  await using scene = await startScene({ idleSeconds: 15, settings: { GATE_MAX_ADDRESS_CONNECTIONS: '3' } })
  const port = portOf(scene.gate, 'git://')
  const connect = async () => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket.resume()
  }
  const open = [await connect(), await connect(), await connect()]
  const fourth = await connect()
  await until(
    () => (fourth.closed ? true : undefined),
    seconds(5),
    () => 'the fourth stays open',
  )
  expect(open.map(socket => socket.closed)).toEqual([false, false, false])
  for (const socket of open) socket.end()
  await Promise.all(open.map(socket => once(socket, 'close')))
  const again = net.connect(port, '127.0.0.1')
  again.write(pktLine('git-upload-pack /app.git\0host=127.0.0.1\0'))
  const [answer] = await once(again, 'data')
  expect(String(answer)).toContain('refs/heads/main')
  again.destroy()
})
