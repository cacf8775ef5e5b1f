import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accepted, seconds } from '../../harness/index.ts'
import { type Scene, SURFACES, sessionsOf, startScene, urlBy } from '../fixtures/fault-fixture.ts'
import { impatientProxy } from '../fixtures/impatient-proxy.ts'
import { holdForwards } from '../fixtures/upstream-hold.ts'
import { closeEarly, leave, stallClone, untilHalfIsClosed } from '../table/client-faults.ts'

describe('connections that do not end as they should', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({ idleSeconds: 15, settings: { GATE_READ_IDLE_SECONDS: '3' } })
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  test.for(SURFACES)(
    '%s: a client that closes as soon as it has the report has its push accepted',
    async surface => {
      const after = await closeEarly(scene, surface)
      expect(after).toMatchObject({
        left: '',
        upstream: 'has it, mirror equal',
        record: { outcome: 'accepted' },
      })
      expect(after.gone).toBeLessThan(5)
      expect(after.next).toMatch('accepted')
    },
  )

  test('a push whose checks and forward exceed the read timeout of a proxy is accepted', async () => {
    const { gate, work, gitleaks } = scene
    // Shorter than git's own 5 s between keepalives.
    await using proxy = await impatientProxy(gate.port, seconds(4))
    const ref = scene.freshRef()
    const commit = await work.commit('Waited for', { waited: ref })
    const forwards = holdForwards(gate.upstream)
    gitleaks.be('waits')
    const url = urlBy(scene, 'worker', { host: '127.0.0.1', port: proxy.port })
    const push = work.git(['push', '-q', url, `HEAD:${ref}`])
    await gitleaks.started()
    await delay(seconds(7))
    gitleaks.be('real')
    await forwards.begun()
    await delay(seconds(7))
    forwards.release()
    expect(await push).toMatchObject(accepted)
    expect(await gate.upstream.ref(ref)).toBe(commit)
    await gate.idle({ within: seconds(30) })
  })

  test('a client with half a request head is disconnected on every surface', async () => {
    const ends = await Promise.all(SURFACES.map(surface => untilHalfIsClosed(scene, surface)))
    for (const [i, { output, ms }] of ends.entries()) {
      expect([SURFACES[i], output]).toEqual([SURFACES[i], 'closed'])
      expect(ms, SURFACES[i]).toBeLessThan(seconds(18))
    }
    expect(await sessionsOf(scene.gate)).toEqual([])
    await scene.gate.idle({ within: seconds(10) })
  })

  test.for(SURFACES)('%s: a client that stops reading a clone is disconnected', async surface => {
    const after = await stallClone(scene, surface)
    expect(after.left).toBe('')
    expect(after.gone).toBeLessThan(20)
    expect(after.next).toMatch('accepted')
  })

  test('git://: a push that stalls in its pack is disconnected within 17 s, with the real timeout', async () => {
    const after = await leave(scene, 'git://', 'mid-pack, 2 MB', 'stop', 0)
    expect(after.gone).toBeLessThan(17)
    expect(after.gone).toBeGreaterThan(10)
    expect(after.record).toMatchObject({ outcome: 'abandoned' })
  })
})
