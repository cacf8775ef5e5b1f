import net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultyLink, megabytes, seconds, until } from '../harness/index.ts'
import { postPush, pushBody } from './raw-push.ts'
import { portOf, pushHeldAt, running, type Scene, type Surface, startScene, urlBy } from './scene.ts'

describe('connections that do not end as they should', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({ idleSeconds: 15, settings: { GATE_READ_IDLE_SECONDS: '3' } })
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  test('a client that closes as soon as it has the report has its push accepted', async () => {
    const { gate, work, ada } = scene
    const ref = scene.freshRef()
    await work.commit('Closed early', { early: ref })
    const authorization = `Basic ${Buffer.from(`ada:${ada.token}`).toString('base64')}`
    const push = await postPush(gate.port, '/app.git/git-receive-pack', { authorization })
    push.send(await pushBody(work, ref))
    push.end()
    await push.reported()
    push.destroy()
    expect(await gate.ledger.until(({ outcome }) => outcome !== 'open')).toMatchObject({
      outcome: 'accepted',
      refs: [{ ref, status: 'ok' }],
    })
    await gate.idle({ within: seconds(5) })
  })

  test.for<[Surface, string]>([
    ['companion', 'POST /git-receive-pack HTTP/1.1\r\nHost: '],
    ['git://', '0040git-receive-pack /ap'],
  ])('%s: half a request header is let go', async ([surface, half]) => {
    const socket = net.connect(portOf(scene.gate, surface), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(half)
    const closed = new Promise(resolve => socket.resume().once('close', resolve))
    const since = Date.now()
    await closed
    expect(Date.now() - since).toBeLessThan(seconds(18))
  })

  test.for<[Exclude<Surface, 'companion'>]>([['worker'], ['git://']])(
    '%s: a client that stops reading a clone is let go',
    async ([surface]) => {
      const { gate, work } = scene
      await gate.upstream.commit(`big-${surface.replace('://', '')}`, 'Something big', { big: megabytes(30) })
      await using link = await faultyLink(portOf(gate, surface))
      const clone = work.git([
        'clone',
        '-q',
        '--bare',
        urlBy(scene, surface, link.port),
        `${work.dir}-${surface.replace('://', '')}`,
      ])
      clone.catch(() => {})
      const packing = () => (running(gate, 'upload-pack') ? true : undefined)
      await until(packing, seconds(60), () => 'no fetch begins')
      clone.stop()
      link.stall()
      await gate.idle({ within: seconds(20) })
      clone.kill()
      link.reset()
    },
  )

  test('git://: a push that stalls in mid-pack is let go within 17 s, with the real bound', async () => {
    await using push = await pushHeldAt(scene, 'git://', 'mid-pack, 2 MB')
    push.stop()
    const since = Date.now()
    await scene.gate.idle({ within: seconds(20) })
    expect(Date.now() - since).toBeLessThan(seconds(17))
    expect(Date.now() - since).toBeGreaterThan(seconds(10))
    expect(await push.outcome(seconds(10))).toBe('abandoned')
  })
})
