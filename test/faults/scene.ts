import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { descendantsOf } from '../../local/processes.ts'
import {
  type Address,
  type Agent,
  type Clone,
  type FarMachine,
  type Gate,
  startGate,
} from '../harness/index.ts'
import { type SlowGit, slowGit } from './slow-git.ts'
import { type SlowGitleaks, slowGitleaks } from './slow-gitleaks.ts'

/** The ways into the gate: smart HTTP through the Worker, the companion alone with a pass, git's own protocol. */
export type Surface = 'worker' | 'companion' | 'git://'
export const SURFACES: readonly Surface[] = ['worker', 'companion', 'git://']

/** A gate whose pushes can be held in any phase, with an agent and its clone. */
export interface Scene extends AsyncDisposable {
  readonly gate: Gate
  readonly ada: Agent
  readonly work: Clone
  readonly slow: SlowGit
  readonly gitleaks: SlowGitleaks
  /** Where the agent is, when it is not on this machine. */
  readonly agentsMachine: FarMachine | undefined
  /** A ref that nobody has used. */
  freshRef(): string
}

export interface SceneOptions {
  /** GATE_CLIENT_IDLE_SECONDS, and with it how long a client's fault may last. */
  readonly idleSeconds: number
  readonly settings?: Readonly<Record<string, string>>
  /** A machine over a network that can be cut, and who is on it. */
  readonly far?: { readonly machine: FarMachine; readonly holds: 'agent' | 'upstream' }
}

export async function startScene({ idleSeconds, settings = {}, far }: SceneOptions): Promise<Scene> {
  await using all = new AsyncDisposableStack()
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-faults-'))
  all.defer(() => fs.rmSync(dir, { recursive: true, force: true }))
  const gitleaks = slowGitleaks(dir)
  const slow = await slowGit(dir)
  const agentsMachine = far?.holds === 'agent' ? far.machine : undefined
  const upstreamsMachine = far?.holds === 'upstream' ? far.machine : undefined
  const host = agentsMachine ? '0.0.0.0' : '127.0.0.1'
  const gate = all.use(
    await startGate({
      host,
      settings: {
        GATE_CLIENT_IDLE_SECONDS: String(idleSeconds),
        GATE_GITLEAKS: gitleaks.program,
        GATE_GIT_LISTEN: `${host}:0`,
        GATE_GIT_AGENT: 'ada',
        ...settings,
      },
      ...(upstreamsMachine && {
        upstream: {
          through: async upstream => ({
            host: upstreamsMachine.there,
            port: await upstreamsMachine.serve(upstream),
          }),
        },
      }),
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
    agentsMachine,
    freshRef: () => `refs/heads/ada/${refs++}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

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

const Health = z.object({
  sessions: z.array(z.object({ id: z.string(), service: z.string(), phase: z.string() })),
})

/** The sessions that the companion has. */
export const sessionsOf = async (gate: Gate) =>
  Health.parse(await (await fetch(new URL('/health', gate.companion.url))).json()).sessions

/** The mirror of the repository `app`. */
export const mirrorOf = (gate: Gate): string => {
  const mirrors = path.join(gate.companion.home, 'mirrors', 'app')
  const [mirror] = fs.readdirSync(mirrors)
  return path.join(mirrors, mirror ?? '')
}

export const portOf = (gate: Gate, surface: Surface): number =>
  Number(
    new URL(
      { worker: gate.url, companion: gate.companion.url, 'git://': gate.gitUrl().replace('git:', 'http:') }[
        surface
      ],
    ).port,
  )

/** The repository as the agent reaches it by way of an address. */
export const urlBy = (
  scene: Scene,
  surface: Exclude<Surface, 'companion'>,
  { host, port }: Address,
): string =>
  surface === 'git://'
    ? `git://${host}:${port}/app.git`
    : scene.ada.url().replace(/@[^/]+\//, `@${host}:${port}/`)
