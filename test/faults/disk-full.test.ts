import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'
import { megabytes } from '../harness/index.ts'
import { mirrorDiffers } from './measure.ts'
import { startScene } from './scene.ts'

test('a disk that fills up while a pack comes in is the gate’s fault, and the next push goes through', async ({
  skip,
}) => {
  await using scene = await startScene({ idleSeconds: 15 })
  const { gate, work } = scene
  const mirrors = path.join(gate.companion.home, 'mirrors')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', mirrors], { stdio: 'pipe' })
  } catch {
    skip('only root may mount a small disk')
  }
  try {
    const big = scene.freshRef()
    await work.commit('Larger than the disk', { big: megabytes(20) })
    const ran = await work.push(`HEAD:${big}`)
    expect(ran.output).toMatch('its disk is full')
    expect(ran.output).toMatch("this is the gate's fault")
    expect(ran.code).toBe(1)
    await gate.idle({ within: 10_000 })
    expect(await gate.ledger.last()).toMatchObject({ outcome: 'failed', refs: [{ ref: big, status: 'ng' }] })
    expect(await gate.upstream.ref(big)).toBeUndefined()
    await work.text(['reset', '-q', '--hard', 'origin/main'])
    const commit = await work.commit('Small', { small: 'small\n' })
    expect(await work.push(`HEAD:${big}`)).toMatchObject({ code: 0 })
    expect(await gate.upstream.ref(big)).toBe(commit)
    await gate.idle({ within: 10_000 })
    expect(await mirrorDiffers(scene)).toBeUndefined()
  } finally {
    execFileSync('umount', ['-l', mirrors])
  }
})
