import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seconds, until } from '../../harness/index.ts'
import { type Scene, type Surface, sessionsOf, startScene } from '../fixtures/fault-fixture.ts'
import { type Phase, pushHeldAt } from '../fixtures/held-push.ts'
import { holdRefresh } from '../fixtures/slow/slow-refresh.ts'
import { type Leaving, leave } from '../table/client-faults.ts'
import { aftermath } from '../table/measure.ts'

const IDLE_SECONDS = 2
/** The bound for 15 s of silence, in seconds: 2 s more, since the machine has other work. */
const BOUND = 17

describe('a client that stalls or vanishes is disconnected, and the next push to its ref is accepted', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({ idleSeconds: IDLE_SECONDS })
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  test.for<[Surface, Phase, Leaving, string]>([
    ['worker', 'after info/refs', 'kill', 'no attempt'],
    ['worker', 'mid-pack, 2 MB', 'kill', 'abandoned'],
    ['worker', 'mid-pack, 2 MB', 'stop', 'abandoned'],
    ['worker', 'mid-pack, 2 MB', 'vanish', 'abandoned'],
    ['worker', 'during the scan', 'kill', 'abandoned'],
    ['companion', 'mid-pack, 2 MB', 'kill', 'abandoned'],
    ['companion', 'mid-pack, 2 MB', 'vanish', 'abandoned'],
    ['companion', 'during the scan', 'kill', 'abandoned'],
    ['git://', 'after info/refs', 'stop', 'no attempt'],
    ['git://', 'mid-pack, 2 MB', 'kill', 'abandoned'],
    ['git://', 'mid-pack, 2 MB', 'stop', 'abandoned'],
    ['git://', 'mid-pack, 2 MB', 'vanish', 'abandoned'],
    ['git://', 'during the scan', 'kill', 'abandoned'],
  ])('%s, %s: %s', async ([surface, phase, how, outcome]) => {
    const after = await leave(scene, surface, phase, how, 0)
    expect(after).toMatchObject({ left: '', upstream: 'nothing, mirror equal' })
    expect(after.gone).toBeLessThan(BOUND)
    if (how !== 'kill' && outcome === 'abandoned') expect(after.gone).toBeGreaterThan(IDLE_SECONDS / 2)
    expect(after.outcome).toMatch(outcome)
    expect(after.next).toMatch('accepted')
  })

  test('a client that disconnects while its push waits for a refresh is dropped before the refresh ends', async () => {
    const { gate } = scene
    await using push = await pushHeldAt(scene, 'worker', 'during the scan')
    const refresh = await holdRefresh(scene)
    push.release()
    await push.printed(/waiting for a refresh of the mirror/)
    push.kill()
    const settled = gate.ledger.until(({ outcome }) => outcome !== 'open', seconds(BOUND))
    const { outcome } = await settled.finally(() => refresh[Symbol.asyncDispose]())
    expect(outcome).toBe('abandoned')
    expect((await aftermath(scene, 'worker', push)).next).toMatch('accepted')
  })

  test.for(['ls-remote', 'push'])(
    'git://: a client that disconnects before the mirror is up to date is dropped: %s',
    async command => {
      const { gate, work } = scene
      const refresh = await holdRefresh(scene)
      const before = (await sessionsOf(gate)).length
      const client = work.git([command, gate.gitUrl()])
      try {
        const more = async () => ((await sessionsOf(gate)).length > before ? true : undefined)
        await until(more, seconds(20), () => 'it is not let in')
        client.kill()
        const none = async () => ((await sessionsOf(gate)).length > before ? undefined : true)
        await until(none, seconds(BOUND), () => 'its session stays')
      } finally {
        client.kill()
        await refresh[Symbol.asyncDispose]()
      }
    },
  )

  test.for<[Surface, Leaving]>([
    ['worker', 'kill'],
    ['worker', 'vanish'],
    ['git://', 'kill'],
  ])('%s: a forward that has begun ends with upstream’s answer: %s', async ([surface, how]) => {
    // Longer than any client may be silent, and long enough for the gate to detect its end.
    const after = await leave(scene, surface, 'during the forward', how, seconds(IDLE_SECONDS + 3))
    expect(after).toMatchObject({ left: '', upstream: 'has it, mirror equal' })
    expect(after.gone).toBeLessThan(BOUND)
    expect(after.outcome).toMatch('accepted')
    expect(after.next).toMatch('accepted')
  })
})
