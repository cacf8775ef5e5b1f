import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { descendantsOf, listProcesses } from '../../local/processes.ts'
import { until } from '../harness/index.ts'
import { aftermath, mirrorDiffers } from './measure.ts'
import { indexing, pushHeldAt, type Scene, startScene } from './scene.ts'
import type { Behaviour } from './slow-gitleaks.ts'

describe('whatever dies of the gate, every push gets its outcome and leaves nothing', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({
      idleSeconds: 5,
      settings: { GATE_LOST_PUSH_SECONDS: '2', GATE_SCAN_SECONDS: '4' },
    })
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  test('the companion is killed in mid-pack', async () => {
    await using push = await pushHeldAt(scene, 'worker', 'mid-pack, 2 MB')
    process.kill(scene.gate.companion.pid, 'SIGKILL')
    const after = await aftermath(scene, 'worker', push)
    expect(after).toMatchObject({ left: '', upstream: 'nothing, mirror equal' })
    expect(after.outcome).toMatch('failed')
    expect(after.next).toMatch('accepted')
    push.release()
    expect((await push.ended()).output).toMatch(/RPC failed|gate cannot reach its companion|hung up/)
  })

  test('the companion is killed in mid-scan: its gitleaks goes too', async () => {
    await using push = await pushHeldAt(scene, 'worker', 'during the scan')
    process.kill(scene.gate.companion.pid, 'SIGKILL')
    const after = await aftermath(scene, 'worker', push)
    expect(after).toMatchObject({ left: '', upstream: 'nothing, mirror equal' })
    expect(after.outcome).toMatch('failed')
    expect(after.next).toMatch('accepted')
  })

  test('the companion is killed in mid-forward: the forward ends as upstream decides, and that is the outcome', async () => {
    const { gate } = scene
    await using push = await pushHeldAt(scene, 'worker', 'during the forward')
    const { pid } = gate.companion
    process.kill(pid, 'SIGKILL')
    await until(
      () => (gate.companion.pid === pid ? undefined : true),
      10_000,
      () => 'the companion stays dead',
    )
    await push.ended()
    await gate.ledger.until(({ outcome, phase }) => outcome === 'open' && phase === 'forwarding', 20_000)
    push.release()
    const after = await aftermath(scene, 'worker', push)
    expect(after).toMatchObject({ left: '' })
    expect(after.upstream).toMatch('has it')
    expect(after.outcome).toMatch('accepted')
    expect(after.next).toMatch('accepted')
  })

  test('the Worker is killed in mid-pack', async () => {
    await using push = await pushHeldAt(scene, 'worker', 'mid-pack, 2 MB')
    const worker = await scene.gate.killWorker()
    push.release()
    expect((await push.ended()).output).toMatch(/RPC failed|hung up|Empty reply|Failed to connect/)
    await worker.startAgain()
    const after = await aftermath(scene, 'worker', push)
    expect(after).toMatchObject({ left: '', upstream: 'nothing, mirror equal' })
    expect(after.outcome).toMatch('abandoned')
    expect(after.next).toMatch('accepted')
  })

  test('the Worker is killed in mid-forward: the next one learns that upstream has it', async () => {
    await using push = await pushHeldAt(scene, 'worker', 'during the forward')
    const worker = await scene.gate.killWorker()
    push.release()
    await push.ended()
    await worker.startAgain()
    const after = await aftermath(scene, 'worker', push)
    expect(after).toMatchObject({ left: '', upstream: 'has it, mirror equal' })
    expect(after.outcome).toMatch('accepted')
    expect(after.next).toMatch('accepted')
  })

  test('the companion’s disk is lost in mid-forward: upstream tells what it has', async () => {
    const { gate } = scene
    await using push = await pushHeldAt(scene, 'worker', 'during the forward')
    const id = (await gate.ledger.until(({ refs }) => refs.length > 0)).id
    const worker = await gate.killWorker()
    push.release()
    await until(
      async () => ((await gate.upstream.ref(push.ref)) ? true : undefined),
      20_000,
      () => 'upstream has not taken it',
    )
    await gate.idle({ within: 20_000 })
    fs.rmSync(path.join(gate.companion.home, 'journal', `${id}.json`))
    await worker.startAgain()
    expect(await gate.ledger.until(({ outcome }) => outcome !== 'open', 30_000)).toMatchObject({
      id,
      outcome: 'accepted',
      refs: [{ ref: push.ref, status: 'ok' }],
    })
  })

  test.for<[Behaviour, RegExp]>([
    ['killed', /could not check this push/],
    ['hangs', /the checks did not end within 4 s|could not scan/],
    ['missing', /could not check this push/],
  ])('gitleaks is %s: the push is refused, as the gate’s fault', async ([behaviour, words]) => {
    const { gate, gitleaks, work } = scene
    gitleaks.be(behaviour)
    try {
      const ref = scene.freshRef()
      await work.commit('Something to scan', { scanned: `${ref}\n` })
      const ran = await work.push(`HEAD:${ref}`)
      expect(ran.output).toMatch(words)
      expect(ran.output).toMatch("this is the gate's fault")
      expect(ran.code).toBe(1)
      await gate.idle({ within: 5_000 })
      expect(await gate.ledger.last()).toMatchObject({ outcome: 'failed', refs: [{ ref, status: 'ng' }] })
      expect(await gate.upstream.ref(ref)).toBeUndefined()
      expect(await mirrorDiffers(scene)).toBeUndefined()
    } finally {
      gitleaks.be('real')
    }
  })

  test('git that does not end by itself is killed with its quarantine, while another push is in the mirror', async () => {
    const { gate } = scene
    await using forwarding = await pushHeldAt(scene, 'worker', 'during the forward')
    await using stuck = await pushHeldAt(scene, 'worker', 'mid-pack, 2 MB')
    const { group: stuckGroup } = indexing(gate) ?? {}
    const group = descendantsOf(gate.companion.pid).filter(each => each.group === stuckGroup)
    expect(group.length).toBeGreaterThan(1)
    for (const { pid } of group) process.kill(pid, 'SIGSTOP')
    stuck.kill()
    await until(
      () =>
        listProcesses().some(each => each.group === stuckGroup && each.state !== 'Z') ? undefined : true,
      40_000,
      () =>
        `git stays stopped: ${JSON.stringify(listProcesses().filter(each => each.group === stuckGroup))} ${JSON.stringify(group)} ${gate.log.join(' ')}`,
    )
    await until(
      () => (quarantines(gate.companion.home).length <= 1 ? true : undefined),
      2_000,
      () => 'its quarantine stays',
    )
    forwarding.release()
    expect((await forwarding.ended()).output).toMatch('upstream has accepted')
    await gate.idle({ within: 5_000 })
  })
})

const quarantines = (home: string) =>
  fs
    .readdirSync(path.join(home, 'mirrors'), { recursive: true, encoding: 'utf8' })
    .filter(file => /\/tmp_objdir-incoming-[^/]+$/.test(file))
