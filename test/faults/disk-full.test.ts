import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { accepted, seconds } from '../harness/index.ts'
import { SURFACES, startScene } from './fixtures/fault-fixture.ts'
import { diskFor, smallDisk } from './fixtures/full-disk.ts'
import { pushHeldAt } from './fixtures/held-push.ts'
import { meet } from './table/fault.ts'

test('a disk that fills up while a pack comes in is the gate’s fault, and the next push goes through', async ({
  skip,
}) => {
  await using scene = await startScene({ idleSeconds: 15 })
  using disk = diskFor(scene.gate)
  if (!disk) return skip('only root may mount a small disk')
  for (const surface of SURFACES) {
    const after = await meet(scene, surface, disk.fault)
    expect(after.output).toMatch('its disk is full')
    expect(after).toMatchObject({
      left: '',
      upstream: 'nothing, mirror equal',
      record: { outcome: 'failed' },
    })
    expect(after.next).toMatch('accepted')
  }
})

test('a companion that finds its disk full as it starts serves all the same, and tells what became of a push', async ({
  skip,
}) => {
  await using scene = await startScene({ idleSeconds: 15, settings: { GATE_LOST_PUSH_SECONDS: '1' } })
  const { gate, work } = scene
  const journal = path.join(gate.companion.home, 'journal')
  using disk = smallDisk(journal, '64k')
  if (!disk) return skip('only root may mount a small disk')
  await using push = await pushHeldAt(scene, 'worker', 'mid-pack, 2 MB')
  const { id } = await gate.ledger.until(({ outcome }) => outcome === 'open')
  expect(fs.existsSync(path.join(journal, `${id}.json`))).toBe(true)
  expect(() => fs.writeFileSync(path.join(journal, 'full'), Buffer.alloc(64 << 10))).toThrow(/ENOSPC/)
  const { pid } = gate.companion
  process.kill(pid, 'SIGKILL')
  push.release()
  await push.ended()
  expect(await gate.ledger.until(({ outcome }) => outcome !== 'open', seconds(60))).toMatchObject({
    id,
    outcome: 'failed',
  })
  expect(await work.git(['fetch', 'origin'])).toMatchObject(accepted)
  expect(gate.companion.pid).not.toBe(pid)
})
