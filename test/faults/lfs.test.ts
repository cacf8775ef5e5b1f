import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toTerms } from '../../cli/options/grant-options.ts'
import { type LfsScene, objectOf, startLfsScene } from './fixtures/lfs-scene.ts'
import { canMount, DISKS } from './table/lfs-disks.ts'
import { type LfsFault, runLfsFault, UPLOADS } from './table/lfs-faults.ts'

/** The end of each fault: the client's answer, whether upstream has the object, and the ledger's row. */
const ENDS: Readonly<
  Record<string, [status: number | undefined, says: RegExp, upstream: boolean, outcome: string]>
> = {
  'client killed, mid-object': [undefined, /client or the companion disconnected/, false, 'failed'],
  'client stopped, mid-object': [408, /client stopped sending/, false, 'failed'],
  'client killed, during the scan': [undefined, /^$/, true, 'accepted'],
  'client killed, during the forward': [undefined, /^$/, true, 'accepted'],
  'wrong bytes (SHA-256)': [400, /its SHA-256 is not the id/, false, 'failed'],
  'wrong size': [422, /bytes, and 499999 were announced/, false, 'none'],
  'object that grows': [400, /longer than the 500000 bytes/, false, 'failed'],
  'object that is cut': [400, /has 250000 bytes, and 500000 were announced/, false, 'failed'],
  'two uploads of one object at once': [200, /^$/, true, 'accepted'],
  'gitleaks is killed': [502, /could not scan this object .*gate's fault/, false, 'failed'],
  'upstream’s LFS server is gone': [502, /cannot be reached .*try again later/, false, 'failed'],
  'upstream’s LFS server ends, mid-object': [502, /cannot be reached .*try again later/, false, 'failed'],
  'upstream’s LFS server never answers': [502, /it does not answer/, false, 'failed'],
  'upstream’s LFS server refuses the object': [
    502,
    /answers with 422: the quota is used up/,
    false,
    'failed',
  ],
  'upstream’s addresses have expired': [200, /^$/, true, 'accepted'],
  'upstream’s token has expired': [200, /^$/, true, 'accepted'],
  'disk full, before the object': [507, /no room for this object/, false, 'failed'],
  'disk full, mid-object': [507, /no room for this object/, false, 'failed'],
}

let scene: LfsScene
beforeAll(async () => {
  scene = await startLfsScene({ GATE_CLIENT_IDLE_SECONDS: '2', GATE_FORWARD_SECONDS: '2' })
})
afterAll(() => scene?.[Symbol.asyncDispose]())

async function expectEnd(fault: LfsFault): Promise<void> {
  const [status, says, hasUpstream, outcome = ''] = ENDS[fault.words] ?? []
  const after = await runLfsFault(scene, fault)
  expect(after.answer?.status).toBe(status)
  expect(after).toMatchObject({ left: '', hasUpstream, next: { status: 200 } })
  expect(after.record?.outcome ?? 'none').toBe(outcome)
  expect(after.answer?.message || after.record?.reason || '').toMatch(says ?? /never/)
}

describe('an upload leaves nothing over, is recorded, and can be sent again:', () => {
  test.each(UPLOADS)('$words', expectEnd)
  test.for(DISKS)('$words', async (fault, { skip }) => {
    if (!canMount(scene)) return skip('only root may mount a small disk')
    await expectEnd(fault)
  })
})

test('an object larger than the grant allows is refused without a batch, too', async () => {
  const { gate, upload, server } = scene
  await gate.admin.grant('ada', 'app', toTerms({ push: ['refs/heads/**'], maxBlobBytes: 1_000_000 }))
  const bytes = Buffer.alloc(3_000_000, 'large')
  expect(await upload(bytes)).toMatchObject({ status: 413, message: expect.stringMatching(/up to 977 KiB/) })
  expect(server.has(objectOf(bytes).oid)).toBe(false)
})
