import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Scene, type Surface, startScene } from './fixtures/fault-fixture.ts'
import { type Fault, runFault } from './table/fault.ts'
import * as upstream from './table/upstream-faults.ts'

/** In seconds; asking upstream afterwards takes up to half a minute. */
const FORWARD = 5

/** The expected result of a fault: the agent's output, within so many seconds, and the record. */
interface Due {
  readonly told: string
  readonly within: number
  readonly upstream: RegExp
  readonly record: object | undefined
}

describe('after any fault of upstream the agent reads the reason and the ledger has the outcome', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({ idleSeconds: 5, settings: { GATE_FORWARD_SECONDS: String(FORWARD) } })
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  const unreached = { told: 'cannot be reached', upstream: /^nothing, mirror equal$/, record: undefined }
  const failed = { outcome: 'failed' }
  const cases: [what: string, Surface, Fault, Due][] = [
    ['is down: said at once', 'worker', upstream.unreachable, { ...unreached, within: 15 }],
    ['is down: said at once', 'git://', upstream.unreachable, { ...unreached, within: 15 }],
    [
      'is down when the push is to be forwarded',
      'companion',
      upstream.unreachable,
      { ...unreached, within: 15, record: failed },
    ],
    [
      'takes connections and says nothing: said within the bound on connecting',
      'worker',
      upstream.silentAtConnect,
      { ...unreached, within: 20 },
    ],
    [
      'stands still at connect: said within the bound on connecting',
      'git://',
      upstream.stoppedAtConnect,
      { ...unreached, within: 20 },
    ],
    [
      'is killed when it has accepted and not yet said so: accepted',
      'worker',
      upstream.killedAfterAccepting,
      {
        told: 'upstream has accepted',
        within: 20,
        upstream: /^has it, mirror equal$/,
        record: { outcome: 'accepted' },
      },
    ],
    [
      'is killed before it has accepted: not accepted',
      'worker',
      upstream.killedBeforeAccepting,
      {
        told: 'it does not have the push: push again',
        within: 20,
        upstream: /^nothing, mirror equal$/,
        record: failed,
      },
    ],
    [
      'refuses: in its own words',
      'worker',
      upstream.refuses,
      {
        told: 'upstream: Release freeze until Monday',
        within: 10,
        upstream: /^nothing, mirror equal$/,
        record: { outcome: 'refused', upstreamOutput: 'Release freeze until Monday' },
      },
    ],
    [
      'takes longer than a forward may: cut, and asked what it has',
      'worker',
      upstream.tooSlow,
      {
        told: `the upstream did not answer within ${FORWARD} s; it does not have the push`,
        within: 60,
        upstream: /^nothing, mirror equal$/,
        record: failed,
      },
    ],
    [
      'stands still in mid-push: cut, and said that it could not be asked',
      'worker',
      upstream.stoppedInForward,
      // Upstream may accept the push when it goes on; the next refresh brings that into the mirror.
      { told: 'the gate could not learn whether it has the push', within: 90, upstream: /./, record: failed },
    ],
  ]
  test.for(cases)('it %s (%s)', async ([, surface, fault, due]) => {
    const after = await runFault(scene, surface, fault)
    expect(after.output).toMatch(due.told)
    expect(after.seconds).toBeLessThan(due.within)
    expect(after.left).toBe('')
    expect(after.upstream).toMatch(due.upstream)
    if (due.record) expect(after.record).toMatchObject(due.record)
    else expect(after.record).toBeUndefined()
    expect(after.next).toMatch('accepted')
  })
})
