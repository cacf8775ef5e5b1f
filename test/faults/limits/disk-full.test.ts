import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { accepted, seconds, startGate, until } from '../../harness/index.ts'
import { SURFACES, startScene } from '../fixtures/fault-fixture.ts'
import { diskFor, smallDisk } from '../fixtures/full-disk.ts'
import { pushHeldAt } from '../fixtures/held-push.ts'
import { runFault } from '../table/fault.ts'

test('a disk that fills up while a pack arrives is the gate’s fault, and the next push is accepted', async ({
  skip,
}) => {
  await using scene = await startScene({ idleSeconds: 15 })
  using disk = diskFor(scene.gate)
  if (!disk) return skip('only root may mount a small disk')
  for (const surface of SURFACES) {
    const after = await runFault(scene, surface, disk.fault)
    expect(after.output).toMatch('its disk is full')
    expect(after).toMatchObject({
      left: '',
      upstream: 'nothing, mirror equal',
      record: { outcome: 'failed' },
    })
    expect(after.next).toMatch('accepted')
  }
})

test('a companion that starts on a full disk serves requests, and reports the outcome of a push', async ({
  skip,
}) => {
  await using scene = await startScene({ idleSeconds: 15, settings: { GATE_OPEN_PUSH_TIMEOUT_SECONDS: '1' } })
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

test('a gate with a full disk reports it at /-/health and to a push, and accepts the push when there is room', async ({
  skip,
}) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-small-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  using disk = smallDisk(folder, '120m')
  if (!disk) return skip('only root may mount a small disk')
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  onTestFinished(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  })
  await using gate = await startGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const work = await ada.clone()
  await work.commit('Something', { 'a.txt': 'a\n' })
  const health = async () => {
    const answer = await fetch(`${gate.url}/-/health`)
    return { status: answer.status, text: await answer.text() }
  }
  expect(await health()).toMatchObject({ status: 200 })

  const filler = path.join(folder, 'filler')
  expect(() => fs.writeFileSync(filler, Buffer.alloc(200 << 20))).toThrow(/ENOSPC/)
  await until(
    async () => ((await health()).text.includes('disk is full') ? true : undefined),
    seconds(20),
    () => 'health does not say so',
  )
  expect(await health()).toMatchObject({ status: 503 })
  const ran = await work.push('HEAD:ada/full')
  expect(ran.code).not.toBe(0)
  expect(ran.output).toMatch(/disk is full|ledger cannot be/)
  expect(ran.output).toMatch(/this is the gate's fault/)
  fs.rmSync(filler)
  await until(
    async () => ((await health()).status === 200 ? true : undefined),
    seconds(20),
    () => 'it does not recover',
  )
  expect(await work.push('HEAD:ada/full')).toMatchObject(accepted)
})
