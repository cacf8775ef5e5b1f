import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seconds, until } from '../harness/index.ts'
import { type Scene, SURFACES, startScene } from './fixtures/fault-fixture.ts'
import { postPush, pushBody } from './fixtures/raw-push.ts'
import { closeEarly, leave, sayHalf, stallClone } from './table/client-faults.ts'

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

  test('a client that waits for a long check hears that someone is there', async () => {
    const { gate, work, ada, gitleaks } = scene
    const ref = scene.freshRef()
    await work.commit('Waited for', { waited: ref })
    gitleaks.be('waits')
    const authorization = `Basic ${Buffer.from(`ada:${ada.token}`).toString('base64')}`
    const push = await postPush(gate.port, '/app.git/git-receive-pack', { authorization })
    push.send(await pushBody(work, ref))
    push.end()
    await gitleaks.started()
    // An empty packet on the first band, as git's own receive-pack writes every few seconds.
    const heard = () => (push.answer.includes('0005\x01') ? true : undefined)
    await until(heard, seconds(12), () => `nothing is heard: ${push.answer}`)
    gitleaks.be('real')
    await push.reported()
    expect(push.answer).toMatch('unpack ok')
    push.destroy()
    await gate.idle({ within: seconds(5) })
  })

  test.for(SURFACES)('%s: half a request header is let go', async surface => {
    const after = await sayHalf(scene, surface)
    expect(after.output).toBe('closed')
    expect(after.seconds).toBeLessThan(18)
    expect(after.left).toBe('')
  })

  test.for(SURFACES)('%s: a client that stops reading a clone is let go', async surface => {
    const after = await stallClone(scene, surface)
    expect(after.left).toBe('')
    expect(after.gone).toBeLessThan(20)
    expect(after.next).toMatch('accepted')
  })

  test('git://: a push that stalls in mid-pack is let go within 17 s, with the real bound', async () => {
    const after = await leave(scene, 'git://', 'mid-pack, 2 MB', 'stop', 0)
    expect(after.gone).toBeLessThan(17)
    expect(after.gone).toBeGreaterThan(10)
    expect(after.record).toMatchObject({ outcome: 'abandoned' })
  })
})
