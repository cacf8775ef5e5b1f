import { once } from 'node:events'
import net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pktLine } from '../../../container/git/pkt-line.ts'
import { seconds, until } from '../../harness/index.ts'
import { portOf, type Scene, startScene } from '../fixtures/fault-fixture.ts'
import { grantOn, passFor } from '../fixtures/passes.ts'
import { postPush, shownOf } from '../fixtures/raw-push.ts'
import { beginPush, newPush, pushesIn, trickle } from '../fixtures/slow/slow-push.ts'

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

  test('a few are read for a short time until they can be answered; the others are closed at once', async () => {
    const { gate } = scene
    const inside = await Promise.all(Array.from({ length: 4 }, half))
    const all = async () => ((await pushesIn(scene)) === 4 ? true : undefined)
    await until(all, seconds(30), () => 'they are not let in')
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
    await gate.idle({ within: seconds(30) })
  })

  test('a whole push gets the reason in its report', async () => {
    const { bytes } = await newPush(scene)
    const inside = await Promise.all(Array.from({ length: 4 }, half))
    const all = async () => ((await pushesIn(scene)) === 4 ? true : undefined)
    await until(all, seconds(30), () => 'they are not let in')
    const push = await beginPush(scene, 'worker')
    push.send(bytes)
    push.end()
    await push.reported()
    expect(shownOf(push.answer)).toMatch(/remote rejected.*ada has 4 sessions at once/)
    for (const each of [push, ...inside]) each.destroy()
  })
})

test('over git:// the connections of an address are limited, and a closed connection frees its place', async () => {
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
    seconds(30),
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
