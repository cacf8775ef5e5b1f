import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aftermath } from './measure.ts'
import { type Phase, pushHeldAt, type Scene, type Surface, startScene } from './scene.ts'

const IDLE_SECONDS = 2
/** What is promised for 15 s of silence, in seconds; a machine that has other work needs some of it. */
const BOUND = 17

describe('a client that stalls or vanishes is let go, and the next push to its ref goes through', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({ idleSeconds: IDLE_SECONDS })
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  test.for<[Surface, Phase, 'kill' | 'stop' | 'vanish', string]>([
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
    await using push = await pushHeldAt(scene, surface, phase)
    push[how]()
    const after = await aftermath(scene, surface, push)
    expect(after).toMatchObject({ left: '', upstream: 'nothing, mirror equal' })
    expect(after.gone).toBeLessThan(BOUND)
    expect(after.outcome).toMatch(outcome)
    expect(after.next).toMatch('accepted')
  })

  test.for<[Surface, 'kill' | 'stop' | 'vanish']>([
    ['worker', 'kill'],
    ['worker', 'vanish'],
    ['git://', 'kill'],
  ])('%s: a forward that has begun ends with upstream’s answer: %s', async ([surface, how]) => {
    await using push = await pushHeldAt(scene, surface, 'during the forward')
    push[how]()
    // Longer than any client may be silent, and long enough for the gate to have heard of its end.
    await new Promise(resolve => setTimeout(resolve, (IDLE_SECONDS + 3) * 1000))
    push.release()
    const after = await aftermath(scene, surface, push)
    expect(after).toMatchObject({ left: '', upstream: 'has it, mirror equal' })
    expect(after.gone).toBeLessThan(BOUND)
    expect(after.outcome).toMatch('accepted')
    expect(after.next).toMatch('accepted')
  })
})
