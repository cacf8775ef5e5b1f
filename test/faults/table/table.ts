// npm run faults: measures every fault on every surface and writes the table in docs/faults.md.
import fs from 'node:fs'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { farMachine } from '../../harness/index.ts'
import { LFS_TRANSFER_PROGRAM, type SshTransferServer } from '../../lfs/ssh-transfer-server.ts'
import { cutOff, cutOffInForward } from '../fixtures/cut-upstream.ts'
import {
  type Scene,
  type SceneOptions,
  SURFACES,
  type Surface,
  startScene,
} from '../fixtures/fault-fixture.ts'
import { diskFor } from '../fixtures/full-disk.ts'
import { PHASES, type Phase } from '../fixtures/held-push.ts'
import { type LfsScene, startLfsScene, startTransferScene } from '../fixtures/lfs-scene.ts'
import { bareDaemon } from './bare-daemon.ts'
import { closeEarly, isHeld, type Leaving, leave, sendHalfHeader, stallClone } from './client-faults.ts'
import { type Fault, runFault, titleOf } from './fault.ts'
import { companionKilled, gitHangs, gitleaksIs, workerKilled } from './gate-faults.ts'
import { canMount, DISKS } from './lfs-disks.ts'
import { type LfsFault, runLfsFault, toAftermath, UPLOADS } from './lfs-faults.ts'
import { MANY_OBJECTS } from './lfs-many.ts'
import type { Aftermath } from './measure.ts'
import { openReport } from './report-file.ts'
import { TRANSFER_FAULTS } from './transfer-faults.ts'
import * as upstream from './upstream-faults.ts'

/** The timeout of a row, in milliseconds. */
const ROW_MS = 400_000
/** How long a phase lasts in which the client sends nothing, in milliseconds. */
const HELD_MS = 5_000

/** The phases in which a process of the gate is killed. */
const SENDING = ['mid-pack, 2 MB', 'mid-pack, 100 MB', 'during the scan', 'during the forward'] as const

const SETTINGS = { GATE_FORWARD_SECONDS: '20', GATE_SCAN_SECONDS: '40', GATE_OPEN_PUSH_TIMEOUT_SECONDS: '5' }
const WORDS: Record<Leaving, string> = {
  kill: 'client killed',
  stop: 'client stopped (SIGSTOP)',
  vanish: 'peer vanished without FIN',
}

const report = openReport()

/** Measures a row, named by its fault and its surface. */
function row(words: string, surface: Surface, measure: () => Promise<Aftermath>): void {
  report.expect(words, surface)
  test(`${words}, ${surface}`, async () => report.row(words, surface, await measure()), ROW_MS)
}

/** Starts the scene in which the rows of a part are measured. */
function inScene(options: () => Promise<SceneOptions>): () => Scene {
  let scene: Scene | undefined
  beforeAll(async () => {
    scene = await startScene(await options())
  })
  afterAll(() => scene?.[Symbol.asyncDispose]())
  return () => {
    if (!scene) throw new Error('there is no scene')
    return scene
  }
}

describe('faults on this machine', () => {
  const scene = inScene(async () => ({ idleSeconds: 15, settings: SETTINGS }))
  const leaving = (surface: Surface, phase: Phase, how: Leaving) => {
    const held = isHeld(phase, how) ? ` (held for ${HELD_MS / 1000} s more)` : ''
    row(`${WORDS[how]}, ${phase}${held}`, surface, () => leave(scene(), surface, phase, how, HELD_MS))
  }
  const meeting = (fault: Fault, surfaces: readonly Surface[]) => {
    for (const surface of surfaces) row(titleOf(fault), surface, () => runFault(scene(), surface, fault))
  }

  // The test plays the companion's client: stopped and vanished are the same, and there is no info/refs.
  for (const surface of SURFACES)
    for (const phase of PHASES)
      for (const how of ['kill', 'stop', 'vanish'] as const)
        if (surface !== 'companion' || (how !== 'stop' && phase !== 'after info/refs'))
          leaving(surface, phase, how)
  for (const surface of SURFACES) {
    row('half a request header', surface, () => sendHalfHeader(scene(), surface))
    row('client stops reading a clone (60 s are allowed)', surface, () => stallClone(scene(), surface))
    row('client closes as soon as it has the report', surface, () => closeEarly(scene(), surface))
  }

  for (const phase of SENDING) meeting(workerKilled(phase), ['worker', 'git://'])
  for (const behaviour of ['killed', 'hangs', 'missing'] as const) meeting(gitleaksIs(behaviour), SURFACES)
  meeting(gitHangs, SURFACES)
  for (const fault of Object.values(upstream)) meeting(fault, SURFACES)
})

// The launcher stops restarting a companion that dies repeatedly, so each of these has its own gate.
for (const phase of SENDING)
  describe(`a companion that is killed, ${phase}`, () => {
    const scene = inScene(async () => ({ idleSeconds: 15, settings: SETTINGS }))
    const fault = companionKilled(phase)
    for (const surface of SURFACES) row(titleOf(fault), surface, () => runFault(scene(), surface, fault))
  })

describe('a small disk', () => {
  const scene = inScene(async () => ({ idleSeconds: 15, settings: SETTINGS }))
  const stack = new DisposableStack()
  afterAll(() => stack.dispose())
  let fault: Fault | undefined
  for (const surface of SURFACES) {
    report.expect('disk full while receiving', surface)
    test(
      `disk full while receiving, ${surface}`,
      async ({ skip }) => {
        fault ??= stack.use(diskFor(scene().gate))?.fault
        if (!fault) return skip('only root may mount a small disk')
        report.row(titleOf(fault), surface, await runFault(scene(), surface, fault))
      },
      ROW_MS,
    )
  }
})

const far = await farMachine()
afterAll(() => far?.[Symbol.asyncDispose]())
describe.skipIf(!far)('a network that can be cut', () => {
  describe('between an agent and the gate', () => {
    const scene = inScene(async () => ({
      idleSeconds: 15,
      settings: SETTINGS,
      ...(far && { far: { machine: far, holds: 'agent' } }),
    }))
    for (const surface of ['worker', 'git://'] as const)
      for (const phase of PHASES) {
        const held = isHeld(phase, 'vanish') ? ` (held for ${HELD_MS / 1000} s more)` : ''
        row(`network cut (namespace), ${phase}${held}`, surface, () =>
          leave(scene(), surface, phase, 'vanish', HELD_MS),
        )
      }
  })
  describe('between the gate and upstream', () => {
    const scene = inScene(async () => ({
      idleSeconds: 15,
      settings: SETTINGS,
      ...(far && { far: { machine: far, holds: 'upstream' } }),
    }))
    if (far)
      for (const fault of [cutOff(far), cutOffInForward(far)])
        for (const surface of SURFACES) row(titleOf(fault), surface, () => runFault(scene(), surface, fault))
  })
})
if (!far)
  report.aside('No network namespaces here (they take root and veth): no row of a network that is cut.')

/** Declares and measures rows of uploads in the scene that `start` starts. */
function uploadRows<S extends LfsScene | LfsScene<SshTransferServer>>(
  surface: string,
  start: (settings: Readonly<Record<string, string>>) => Promise<S>,
  faults: readonly LfsFault<S>[],
): void {
  let scene: S
  beforeAll(async () => {
    scene = await start({ ...SETTINGS, GATE_CLIENT_IDLE_SECONDS: '15' })
  })
  afterAll(() => scene?.[Symbol.asyncDispose]())
  for (const fault of faults) {
    report.expect(fault.words, surface)
    test(
      `${fault.words}, ${surface}`,
      async ({ skip }) => {
        if (DISKS.some(({ words }) => words === fault.words) && !canMount(scene))
          return skip('only root may mount a small disk')
        report.row(fault.words, surface, toAftermath(await runLfsFault(scene, fault)))
      },
      ROW_MS,
    )
  }
}

describe('uploads of Git LFS', () => {
  uploadRows('Git LFS', startLfsScene, [...UPLOADS, ...DISKS, MANY_OBJECTS])
})

describe.skipIf(!fs.existsSync(LFS_TRANSFER_PROGRAM))('uploads of Git LFS over git-lfs-transfer', () => {
  uploadRows('Git LFS over SSH', startTransferScene, TRANSFER_FAULTS)
})

test('beside it: a bare git daemon', async () => report.aside(await bareDaemon()), 120_000)
