import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { descendantsOf, listProcesses } from '../../local/process/processes.ts'
import { until } from '../harness/index.ts'
import { indexing, type Scene, type Surface, startScene } from './fixtures/fault-fixture.ts'
import { pushHeldAt } from './fixtures/held-push.ts'
import { type Fault, runFault } from './table/fault.ts'
import { companionKilled, gitHangs, gitleaksIs, workerKilled } from './table/gate-faults.ts'
import { aftermath } from './table/measure.ts'

/** The expected result of a fault: the client's output, upstream's refs, and the outcome. */
interface Due {
  readonly told: RegExp
  readonly upstream: RegExp
  readonly outcome: string
}

/** The expected result of a refusal that names the gate's fault. */
const faultOf = (told: RegExp): Due => ({
  told: new RegExp(`(${told.source})[\\s\\S]*this is the gate's fault`),
  upstream: /^nothing, mirror equal$/,
  outcome: 'failed',
})

/** A client's output when its connection breaks. */
const LOST = /RPC failed|gate cannot reach its companion|hung up|Empty reply|Failed to connect|rewind rpc/

describe('after the death of any part of the gate a push has its outcome and leaves nothing behind', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({
      idleSeconds: 5,
      settings: { GATE_OPEN_PUSH_TIMEOUT_SECONDS: '2', GATE_SCAN_SECONDS: '10' },
    })
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  test.for<[string, Surface, Fault, Due]>([
    [
      'the companion is killed in mid-pack',
      'worker',
      companionKilled('mid-pack, 2 MB'),
      { told: LOST, upstream: /^nothing, mirror equal$/, outcome: 'failed' },
    ],
    [
      'the companion is killed in mid-pack',
      'git://',
      companionKilled('mid-pack, 100 MB'),
      { told: LOST, upstream: /^nothing, mirror equal$/, outcome: 'failed' },
    ],
    [
      'the companion is killed in mid-scan: its gitleaks goes too',
      'worker',
      companionKilled('during the scan'),
      { told: LOST, upstream: /^nothing, mirror equal$/, outcome: 'failed' },
    ],
    [
      'the Worker is killed in mid-pack',
      'worker',
      workerKilled('mid-pack, 2 MB'),
      { told: LOST, upstream: /^nothing, mirror equal$/, outcome: 'abandoned' },
    ],
    [
      'the Worker is killed in mid-pack of a push that does not go through it: the next one learns of its outcome',
      'git://',
      workerKilled('mid-pack, 2 MB'),
      { told: /upstream has accepted/, upstream: /^has it, mirror equal$/, outcome: 'accepted' },
    ],
    [
      'the Worker is killed in mid-forward of a push that does not go through it',
      'git://',
      workerKilled('during the forward'),
      { told: /upstream has accepted/, upstream: /^has it, mirror equal$/, outcome: 'accepted' },
    ],
    [
      'the Worker is killed in mid-forward: the next one learns that upstream has it',
      'worker',
      workerKilled('during the forward'),
      { told: LOST, upstream: /^has it, mirror equal$/, outcome: 'accepted' },
    ],
    ['gitleaks is killed', 'worker', gitleaksIs('killed'), faultOf(/could not check this push/)],
    ['gitleaks hangs', 'worker', gitleaksIs('hangs'), faultOf(/made no progress for 10 s|could not scan/)],
    ['gitleaks is missing', 'worker', gitleaksIs('missing'), faultOf(/could not check this push/)],
    ['git hangs on a pack that it has whole', 'worker', gitHangs, faultOf(/made no progress with .* 10 s/)],
    ['git hangs on a pack that it has whole', 'git://', gitHangs, faultOf(/made no progress with .* 10 s/)],
  ])('%s (%s)', async ([, surface, fault, due]) => {
    const after = await runFault(scene, surface, fault)
    expect(after.output).toMatch(due.told)
    expect(after.left).toBe('')
    expect(after.upstream).toMatch(due.upstream)
    expect(after.record?.outcome).toBe(due.outcome)
    expect(after.next).toMatch('accepted')
  })

  test('the companion is killed during the forward: upstream’s answer is the outcome', async () => {
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
    await gate.ledger.until(({ outcome, step }) => outcome === 'open' && step === 'forwarding', 20_000)
    push.release()
    const after = await aftermath(scene, 'worker', push)
    expect(after).toMatchObject({ left: '' })
    expect(after.upstream).toMatch('has it')
    expect(after.outcome).toMatch('accepted')
    expect(after.next).toMatch('accepted')
  })

  test('the companion’s disk is lost during the forward: upstream’s refs decide the outcome', async () => {
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

  test('hanging git is killed and its quarantine removed, while another push is in the mirror', async () => {
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
