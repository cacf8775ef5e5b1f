import { afterAll, describe, expect, test } from 'vitest'
import { farMachine, seconds } from '../harness/index.ts'
import { cutOff, cutOffInForward } from './fixtures/cut-upstream.ts'
import { startScene } from './fixtures/fault-fixture.ts'
import { leave } from './table/client-faults.ts'
import { runFault } from './table/fault.ts'

const IDLE_SECONDS = 3

const far = await farMachine()
afterAll(() => far?.[Symbol.asyncDispose]())

/** Uses a real network between namespaces: that needs root and a kernel with veth. */
describe.skipIf(!far)('a network that drops all packets', () => {
  if (!far) return

  test('a client behind it is disconnected, and the next push to its ref is accepted', async () => {
    await using scene = await startScene({
      idleSeconds: IDLE_SECONDS,
      far: { machine: far, holds: 'agent' },
    })
    for (const surface of ['worker', 'git://'] as const) {
      const after = await leave(scene, surface, 'mid-pack, 2 MB', 'vanish', 0)
      expect(after).toMatchObject({ left: '', upstream: 'nothing, mirror equal' })
      expect(after.record).toMatchObject({ outcome: 'abandoned' })
      expect(after.gone).toBeGreaterThan(IDLE_SECONDS / 2)
      expect(after.gone).toBeLessThan(17)
      expect(after.next).toMatch('accepted')
    }
  })

  test('over git:// TCP keepalives detect a client behind it long before the idle timeout', async () => {
    await using scene = await startScene({ idleSeconds: 90, far: { machine: far, holds: 'agent' } })
    for (const phase of ['after info/refs', 'mid-pack, 2 MB'] as const) {
      const after = await leave(scene, 'git://', phase, 'vanish', 0)
      expect(after).toMatchObject({ left: '', upstream: 'nothing, mirror equal' })
      expect(after.gone).toBeLessThan(17)
      expect(after.next).toMatch('accepted')
    }
  })

  test('ssh’s keepalives detect an upstream behind it long before the forward timeout', {
    timeout: seconds(240),
  }, async () => {
    await using scene = await startScene({
      idleSeconds: IDLE_SECONDS,
      settings: { GATE_FORWARD_SECONDS: '300', GATE_REFRESH_SECONDS: '300' },
      far: { machine: far, holds: 'upstream' },
    })
    const inForward = await runFault(scene, 'worker', cutOffInForward(far))
    expect(inForward.output).toMatch('the gate could not learn whether it has the push')
    expect(inForward.seconds).toBeLessThan(75)
    expect(inForward.left).toBe('')
    expect(inForward.record).toMatchObject({ outcome: 'failed' })
    expect(inForward.next).toMatch('accepted')

    const before = await runFault(scene, 'worker', cutOff(far))
    expect(before.output).toMatch('cannot be reached')
    expect(before.seconds).toBeLessThan(30)
    expect(before).toMatchObject({ left: '', upstream: 'nothing, mirror equal', record: undefined })
    expect(before.next).toMatch('accepted')
  })
})
