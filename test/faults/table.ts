// npm run faults: every fault on every surface, with the real bounds, as a table in docs/faults.md.
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { descendantsOf } from '../../local/processes.ts'
import { bareDaemon } from './bare-daemon.ts'
import { type Aftermath, aftermath } from './measure.ts'
import { type Phase, portOf, pushHeldAt, type Scene, type Surface, startScene } from './scene.ts'
import type { Behaviour } from './slow-gitleaks.ts'

type How = 'kill' | 'stop' | 'vanish'

const WORDS: Record<How, string> = {
  kill: 'client killed',
  stop: 'client stopped (SIGSTOP)',
  vanish: 'peer vanished without FIN',
}
const SURFACES: readonly Surface[] = ['worker', 'companion', 'git://']
const PHASES: readonly Phase[] = [
  'after info/refs',
  'mid-pack, 2 MB',
  'mid-pack, 100 MB',
  'during the scan',
  'during the forward',
]

const rows: string[][] = []
const asides: string[] = []
const row = (fault: string, surface: string, after: Aftermath) => {
  const { client, gone, left, upstream, outcome, next } = after
  rows.push([fault, surface, client, gone.toFixed(1), left || 'none', upstream, outcome, next])
  write()
}

let scene: Scene
beforeAll(async () => {
  scene = await startScene({
    idleSeconds: 15,
    settings: { GATE_FORWARD_SECONDS: '20', GATE_SCAN_SECONDS: '20', GATE_LOST_PUSH_SECONDS: '5' },
  })
})
afterAll(async () => {
  await scene[Symbol.asyncDispose]()
  write()
})

describe('faults', () => {
  for (const surface of SURFACES)
    for (const phase of PHASES)
      for (const how of ['kill', 'stop', 'vanish'] as const) {
        // The companion's client is played by the test: stopped and vanished are the same silence, and it asks nothing before.
        if (surface === 'companion' && (how === 'stop' || phase === 'after info/refs')) continue
        const silent = how !== 'kill' && phase === 'during the scan'
        test(`${WORDS[how]}, ${phase}, ${surface}`, async () => {
          await using push = await pushHeldAt(scene, surface, phase)
          push[how]()
          // What the client owes nothing to goes on: the scan and the forward are let go on 5 s later.
          const isHeld = silent || phase === 'during the forward'
          if (isHeld) {
            await new Promise(resolve => setTimeout(resolve, 5_000))
            push.release()
          }
          const after = await aftermath(scene, surface, push)
          row(`${WORDS[how]}, ${phase}${isHeld ? ' (held for 5 s more)' : ''}`, surface, after)
        }, 200_000)
      }

  test('half a request header', async () => {
    for (const surface of SURFACES) {
      const socket = net.connect(portOf(scene.gate, surface), '127.0.0.1')
      socket.on('error', () => {})
      socket.write(surface === 'git://' ? '0040git-receive-pack /a' : 'POST /app.git/git-rec')
      const since = Date.now()
      const closed = await Promise.race([
        new Promise<true>(resolve => socket.resume().once('close', () => resolve(true))),
        new Promise<false>(resolve => setTimeout(() => resolve(false), 20_000)),
      ])
      socket.destroy()
      const seconds = ((Date.now() - since) / 1000).toFixed(1)
      const told = closed ? `closed after ${seconds} s` : 'still open after 20 s, held by workerd; no session'
      rows.push([
        'half a request header',
        surface,
        told,
        closed ? seconds : '0',
        'none',
        '',
        'no attempt',
        '',
      ])
    }
  }, 100_000)

  const gateFaults: readonly [string, Phase, () => Promise<() => Promise<void>>][] = [
    ['Worker killed', 'mid-pack, 2 MB', killWorker],
    ['Worker killed', 'during the forward', killWorker],
    ['companion killed', 'mid-pack, 2 MB', killCompanion],
    ['companion killed', 'during the scan', killCompanion],
    ['companion killed', 'during the forward', killCompanion],
    ['upstream’s sshd stopped', 'during the forward', stopSshd],
  ]
  for (const [fault, phase, inject] of gateFaults)
    test(`${fault}, ${phase}`, async () => {
      await using push = await pushHeldAt(scene, 'worker', phase)
      const mend = await inject()
      const since = Date.now()
      await push.ended(90_000).catch(() => {})
      push.release()
      await mend()
      row(`${fault}, ${phase}`, 'worker', await aftermath(scene, 'worker', push, since))
    }, 200_000)

  test('upstream very slow', async () => {
    await using push = await pushHeldAt(scene, 'worker', 'during the forward')
    const since = Date.now()
    await push.ended(90_000)
    row(
      'upstream slower than GATE_FORWARD_SECONDS (20)',
      'worker',
      await aftermath(scene, 'worker', push, since),
    )
  }, 200_000)

  for (const behaviour of ['killed', 'hangs', 'missing'] as const satisfies readonly Behaviour[])
    test(`gitleaks ${behaviour}`, async () => {
      const { gitleaks, work, gate } = scene
      gitleaks.be(behaviour)
      const ref = scene.freshRef()
      await work.text(['reset', '-q', '--hard', 'origin/main'])
      await work.commit('To scan', { scanned: ref })
      const since = Date.now()
      const ran = await work.push(`HEAD:${ref}`)
      gitleaks.be('real')
      const outcome = async () => (await gate.ledger.last()).outcome
      const held = { ref, release() {}, seen: () => ran, outcome }
      row(`gitleaks ${behaviour}`, 'worker', await aftermath(scene, 'worker', held, since))
    }, 200_000)

  test('beside it: a bare git daemon', async () => {
    asides.push(await bareDaemon())
  }, 120_000)
})

async function killWorker() {
  const dead = await scene.gate.killWorker()
  return () => dead.startAgain()
}

async function killCompanion() {
  process.kill(scene.gate.companion.pid, 'SIGKILL')
  return async () => {}
}

async function stopSshd() {
  const servers = () => descendantsOf(process.pid).filter(({ name }) => name === 'sshd')
  const stop = () => {
    for (const { pid } of servers()) process.kill(pid, 'SIGSTOP')
  }
  stop()
  const again = setInterval(stop, 50)
  return async () => {
    clearInterval(again)
    for (const { pid } of servers()) process.kill(pid, 'SIGKILL')
  }
}

function write(): void {
  const head = ['fault', 'surface', 'the client: said last, ended after', 'gone (s)', 'left behind']
  head.push('upstream, mirror', 'ledger (after)', 'next push to the ref')
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const text = [
    '# Faults',
    '',
    'What each fault left of a push, as `npm run faults` measured it. "gone" is the time from the fault (or from',
    'what held the push being let go) until the companion had no session, process or temporary file of it; for a',
    "client's fault the bound is 15 s of silence and 2 s more. The next push goes to the same ref, at once.",
    '',
    line(head),
    line(head.map(() => '---')),
    ...rows.map(line),
    '',
    ...asides,
    '',
  ].join('\n')
  fs.writeFileSync(path.join(import.meta.dirname, '../../docs/faults.md'), text)
  console.log(text)
}
