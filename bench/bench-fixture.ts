import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type SshServer, startSshServer } from '../local/demo/sshd.ts'
import { bundleWorker, projectRoot } from '../local/worker/bundle.ts'
import { type GitOptions, git } from '../test/harness/git.ts'
import { type BenchUpstream, type Gate, type Remote, startBenchGate, type WorkerWatch } from './bench-gate.ts'
import { delayLink } from './delay-link.ts'
import { makeRepository, type Shape } from './repositories.ts'
import { sshClient } from './ssh-client.ts'

export type { Gate, Remote, WorkerWatch }

/** A repository behind the gate, and its remotes. */
export interface Place {
  readonly name: string
  /** The path of the bare upstream. */
  readonly dir: string
  /** The repository at the gate, for agent ada. */
  readonly gate: Remote
  /** The upstream itself. */
  readonly ssh: Remote
}

/** The environment of the rows: a folder, an sshd with upstreams, and a gate in front of it. */
export interface Stage {
  readonly folder: string
  readonly gate: Gate
  /**
   * Creates an upstream of this shape behind the gate. `roundTripMs` applies to the gate and to direct
   * access.
   */
  place(name: string, shape: Shape, roundTripMs?: number): Promise<Place>
  /**
   * Starts another gate before these upstreams, with other settings. The stage stops it. `watch` adds code to its
   * Worker, and receives what the Worker logs.
   */
  anotherGate(
    settings: Readonly<Record<string, string>>,
    names: readonly string[],
    watch?: WorkerWatch,
  ): Promise<Gate>
  /** Returns the commands that gates have run at the upstream of a place. */
  upstreamSessions(at: Place): readonly string[]
  /** Returns an unused path in the folder. */
  fresh(name: string): string
}

export const gitleaks = path.join(projectRoot, '.cache/gitleaks/gitleaks')

/** Runs git, and throws if it fails, since the duration of a failure is meaningless. */
export async function mustGit(args: readonly string[], options: GitOptions = {}): Promise<void> {
  const ran = await git(args, { within: 1_800_000, ...options })
  if (ran.code !== 0) throw new Error(`git ${args.join(' ')} ended with ${ran.code}: ${ran.output}`)
}

/** Starts the upstream's sshd and a gate. Disposing of the stage stops both. */
export async function startStage(): Promise<Stage & AsyncDisposable> {
  const stack = new AsyncDisposableStack()
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-bench-'))
  stack.defer(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const sshd = stack.use(await startSshServer({ dir: path.join(folder, 'sshd'), port: 0 }))
  const client = await sshClient(path.join(folder, 'client'), sshd)
  const code = await bundleWorker()
  const sessions = sessionLog(folder)
  let gates = 0
  const openGate = (settings: Readonly<Record<string, string>>, watch?: WorkerWatch) =>
    startBenchGate(stack, {
      home: path.join(folder, `home-${gates++}`),
      code,
      settings,
      watch,
      admitKey: sessions.admitKey,
    })
  const gate = await openGate({}).catch(async error => {
    await stack.disposeAsync()
    throw error
  })
  const upstreams: BenchUpstream[] = []
  const portAt = delayedPorts(stack, sshd)
  return {
    folder,
    gate,
    async place(name, shape, roundTripMs = 0) {
      const dir = path.join(folder, 'upstreams', `${name}.git`)
      if (!fs.existsSync(dir)) await makeRepository(dir, shape)
      const port = await portAt(roundTripMs)
      const url = sshd.urlOf(dir).replace(`:${sshd.port}/`, `:${port}/`)
      const upstream = { name, url, knownHosts: sshd.knownHosts.replace(`:${sshd.port} `, `:${port} `) }
      upstreams.push(upstream)
      await gate.addRepository(upstream)
      const ssh = { url, env: client.env }
      return { name, dir, ssh, gate: await gate.agent('ada', name, ['refs/heads/**']) }
    },
    async anotherGate(settings, names, watch) {
      const another = await openGate(settings, watch)
      for (const each of upstreams) if (names.includes(each.name)) await another.addRepository(each)
      return another
    },
    upstreamSessions: ({ dir }) => sessions.of(dir),
    fresh: name => {
      const parent = path.join(folder, 'work')
      fs.mkdirSync(parent, { recursive: true })
      return fs.mkdtempSync(path.join(parent, `${name}-`))
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Has sshd log the command of each session of a gate. */
function sessionLog(folder: string) {
  const log = path.join(folder, 'upstream-sessions')
  fs.writeFileSync(log, '')
  const command = `echo \\"$SSH_ORIGINAL_COMMAND\\" >> ${log}; exec git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"`
  return {
    admitKey: (publicKey: string) =>
      fs.appendFileSync(
        path.join(folder, 'sshd/authorized_keys'),
        `restrict,command="${command}" ${publicKey}\n`,
      ),
    /** Returns the commands that named the repository in this folder. */
    of: (dir: string) => {
      const lines = fs.readFileSync(log, 'utf8').split('\n')
      return lines.filter(line => line.includes(`/${path.basename(dir)}'`))
    },
  }
}

/** Returns a function that gives a port of the sshd with this round-trip time. */
function delayedPorts(
  stack: AsyncDisposableStack,
  sshd: SshServer,
): (roundTripMs: number) => Promise<number> {
  const links = new Map<number, Promise<number>>()
  return roundTripMs => {
    if (!roundTripMs) return Promise.resolve(sshd.port)
    const open =
      links.get(roundTripMs) ?? delayLink(sshd.port, roundTripMs).then(link => stack.use(link).port)
    links.set(roundTripMs, open)
    return open
  }
}
