import { expect, test } from 'vitest'
import { meet } from './fault.ts'
import { diskFor } from './full-disk.ts'
import { SURFACES, startScene } from './scene.ts'

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
