import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { descendantsOf } from '../../local/processes.ts'
import {
  type Agent,
  type Clone,
  type FaultyLink,
  faultyLink,
  type Gate,
  megabytes,
  type RunningGit,
  startGate,
  until,
} from '../harness/index.ts'
import { grantOn, passFor, postPush, pushBody, reportOf } from './raw-push.ts'
import { type SlowGit, slowGit } from './slow-git.ts'
import { type SlowGitleaks, slowGitleaks } from './slow-gitleaks.ts'
import { holdForwards } from './upstream-hold.ts'

/** The ways into the gate: smart HTTP through the Worker, the companion alone with a pass, git's own protocol. */
export type Surface = 'worker' | 'companion' | 'git://'

/** A gate whose pushes can be held in any phase, with an agent and its clone. */
export interface Scene extends AsyncDisposable {
  readonly gate: Gate
  readonly ada: Agent
  readonly work: Clone
  readonly slow: SlowGit
  readonly gitleaks: SlowGitleaks
  /** A ref that nobody has used. */
  freshRef(): string
}

export interface SceneOptions {
  /** GATE_CLIENT_IDLE_SECONDS, and with it how long a client's fault may last. */
  readonly idleSeconds: number
  readonly settings?: Readonly<Record<string, string>>
}

export async function startScene({ idleSeconds, settings = {} }: SceneOptions): Promise<Scene> {
  await using all = new AsyncDisposableStack()
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-faults-'))
  all.defer(() => fs.rmSync(dir, { recursive: true, force: true }))
  const gitleaks = slowGitleaks(dir)
  const slow = await slowGit(dir)
  const gate = all.use(
    await startGate({
      settings: {
        GATE_CLIENT_IDLE_SECONDS: String(idleSeconds),
        GATE_GITLEAKS: gitleaks.program,
        GATE_GIT_LISTEN: '127.0.0.1:0',
        GATE_GIT_AGENT: 'ada',
        ...settings,
      },
    }),
  )
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'], force: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  let refs = 0
  const running = all.move()
  return {
    gate,
    ada,
    work,
    slow,
    gitleaks,
    freshRef: () => `refs/heads/ada/${refs++}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** The phases that a fault can meet a push in. */
export type Phase =
  | 'after info/refs'
  | 'mid-pack, 2 MB'
  | 'mid-pack, 100 MB'
  | 'during the scan'
  | 'during the forward'

/** A push that stands in a phase. */
export interface HeldPush extends AsyncDisposable {
  readonly ref: string
  /** SIGKILL: the kernel closes its connection. */
  kill(): void
  /** SIGSTOP: the connection stays open, and silent. */
  stop(): void
  /** Nothing of it is heard any more, not even the end of its connection. */
  vanish(): void
  /** What held it is taken away; it may go on. */
  release(): void
  /** What its user saw, once it has ended; undefined: it has not. */
  seen(): { output: string; ms: number } | undefined
  /** What its user saw, as soon as it has ended. */
  ended(within?: number): Promise<{ output: string; ms: number }>
  /** Its outcome, once it is known; undefined: it never was an attempt. */
  outcome(within: number): Promise<string | undefined>
}

/** Starts a push and brings it to a phase. */
export async function pushHeldAt(scene: Scene, surface: Surface, phase: Phase): Promise<HeldPush> {
  const { gate, work, gitleaks, slow } = scene
  await using all = new AsyncDisposableStack()
  const ref = scene.freshRef()
  const link = all.use(await faultyLink(portOf(gate, surface)))
  all.defer(() => link.reset())
  const size = phase.includes('100') ? 100 : phase.includes('2 MB') ? 2 : 0
  await work.text(['reset', '-q', '--hard', 'origin/main'])
  await work.commit(`A change for ${ref}`, { big: size ? megabytes(size) : `${ref}\n` })
  const before = (await gate.ledger.pushes()).length

  let reached: () => Promise<void>
  let release = () => {}
  if (phase === 'after info/refs') {
    const mark = path.join(work.dir, '.git', 'at-pre-push')
    const hook = path.join(work.dir, '.git', 'hooks', 'pre-push')
    fs.mkdirSync(path.dirname(hook), { recursive: true })
    fs.rmSync(mark, { force: true })
    fs.writeFileSync(hook, `#!/bin/sh\n: > '${mark}'\nexec sleep 1000\n`, { mode: 0o755 })
    release = () => fs.rmSync(hook, { force: true })
    reached = () =>
      until(
        () => (fs.existsSync(mark) ? true : undefined),
        60_000,
        () => 'no pre-push',
      ).then(() => {})
  } else if (phase === 'mid-pack, 2 MB') {
    slow.holdAfter(1_500_000)
    release = slow.flow
    reached = async () => {
      await link.carried(1_100_000)
      await receiving(gate)
    }
  } else if (phase === 'mid-pack, 100 MB') {
    reached = async () => {
      await link.carried(30_000_000)
      await receiving(gate)
    }
  } else if (phase === 'during the scan') {
    gitleaks.be('waits')
    release = () => gitleaks.be('real')
    reached = gitleaks.started
  } else {
    const hold = holdForwards(gate.upstream)
    release = hold.release
    reached = hold.begun
  }
  all.defer(() => release())

  const client =
    surface === 'companion' ? await rawClient(scene, link, ref, phase) : gitPush(scene, surface, link, ref)
  all.defer(() => client.kill())
  await Promise.race([reached(), client.failed])
  const running = all.move()
  return {
    ref,
    kill: client.kill,
    stop: client.stop,
    vanish() {
      link.stall()
      client.stop()
    },
    release,
    seen: client.seen,
    ended: (within = 60_000) => until(client.seen, within, () => 'the client goes on'),
    async outcome(within) {
      if (client.id)
        return (
          await until(
            async () => {
              const report = await reportOf(gate, client.id ?? '')
              return report?.outcome === 'open' ? undefined : report
            },
            within,
            () => 'it stays open',
          )
        ).outcome
      if ((await gate.ledger.pushes()).length === before) return undefined
      return (await gate.ledger.until(push => push.outcome !== 'open', within)).outcome
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Waits until the companion's git takes in a pack: what was sent may still be on its way through the Worker. */
const receiving = (gate: Gate) =>
  until(
    () => (indexing(gate) ? true : undefined),
    60_000,
    () => 'no pack comes in',
  )

/** The process that takes in a pack. */
export const indexing = (gate: Gate) => running(gate, 'index-pack')

/** One of the companion's processes, by a word of its command. */
export const running = (gate: Gate, word: string) =>
  descendantsOf(gate.companion.pid).find(({ pid }) => commandOf(pid).includes(word))

const commandOf = (pid: number) => {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

export const portOf = (gate: Gate, surface: Surface): number =>
  Number(
    new URL(
      { worker: gate.url, companion: gate.companion.url, 'git://': gate.gitUrl().replace('git:', 'http:') }[
        surface
      ],
    ).port,
  )

/** The repository as the agent reaches it by way of a port. */
export const urlBy = (scene: Scene, surface: Exclude<Surface, 'companion'>, port: number): string =>
  surface === 'git://'
    ? `git://127.0.0.1:${port}/app.git`
    : scene.ada.url().replace(/@[^/]+\//, `@127.0.0.1:${port}/`)

interface PushingClient {
  readonly id?: string
  kill(): void
  stop(): void
  seen(): { output: string; ms: number } | undefined
  /** Rejects when it ends before it was asked to. */
  readonly failed: Promise<never>
}

function gitPush(
  scene: Scene,
  surface: Exclude<Surface, 'companion'>,
  link: FaultyLink,
  ref: string,
): PushingClient {
  const running: RunningGit = scene.work.git(
    ['push', '--progress', urlBy(scene, surface, link.port), `HEAD:${ref}`],
    { env: scene.slow.env, within: 400_000 },
  )
  let seen: { output: string; ms: number } | undefined
  const failed = running.then(ran => {
    seen = ran
    throw new Error(`the push ended too early: ${ran.output}`)
  })
  failed.catch(() => {})
  return { kill: () => running.kill(), stop: () => running.stop(), seen: () => seen, failed }
}

/** The companion's own client is the Worker, which is played here: a pass, then the bytes of a push. */
async function rawClient(scene: Scene, link: FaultyLink, ref: string, phase: Phase): Promise<PushingClient> {
  const { gate, work } = scene
  const { id, headers } = await passFor(gate, await grantOn(gate, 'app', 'ada'))
  const body = await pushBody(work, ref)
  const started = Date.now()
  const push = await postPush(link.port, '/git-receive-pack', headers)
  let seen: { output: string; ms: number } | undefined
  push.closed.then(() => {
    seen = { output: push.answer.slice(-300), ms: Date.now() - started }
  })
  if (phase.startsWith('mid-pack')) push.send(body.subarray(0, phase.includes('100') ? 31 << 20 : 1_500_000))
  else {
    push.send(body)
    push.end()
  }
  const { promise: failed } = Promise.withResolvers<never>()
  return { id, kill: push.destroy, stop: () => {}, seen: () => seen, failed }
}
