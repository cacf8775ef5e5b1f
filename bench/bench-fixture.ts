import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { toTerms } from '../cli/options/grant-options.ts'
import { startSshServer } from '../local/demo/sshd.ts'
import { startLocalGate } from '../local/gate.ts'
import { descendantsOf } from '../local/process/processes.ts'
import { openHome } from '../local/state-folder.ts'
import { bundleWorker, projectRoot } from '../local/worker/bundle.ts'
import { startWorker } from '../local/worker/workerd.ts'
import { type GitOptions, git } from '../test/harness/git.ts'
import { delayLink } from './delay-link.ts'
import { makeRepository, type Shape } from './repositories.ts'
import { sshClient } from './ssh-client.ts'

/** A repository's URL, and the environment with which git reaches it. */
export interface Remote {
  readonly url: string
  readonly env: Readonly<Record<string, string>>
}

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

export interface Gate {
  readonly url: string
  /** The path of the gate's state folder. */
  readonly home: string
  readonly adminToken: string
  /**
   * Adds an agent with push rights to these patterns. Its token is in a header, as `git gate agent-config` writes
   * it, so git sends no request without it.
   */
  agent(name: string, repository: string, push: readonly string[]): Promise<Remote>
  /** The ids of the gate's permanent processes. */
  readonly processes: { readonly worker: readonly number[]; readonly companion: number }
}

/** Code at the end of a gate's bundled Worker, and the receiver of each line that the Worker logs. */
export interface WorkerWatch {
  readonly code: string
  readonly heard: (line: string) => void
}

interface Known {
  readonly name: string
  readonly url: string
  readonly knownHosts: string
}
type Put = (repository: Known) => Promise<void>

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
  const all = new AsyncDisposableStack()
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-bench-'))
  all.defer(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const sshd = all.use(await startSshServer({ dir: path.join(folder, 'sshd'), port: 0 }))
  const client = await sshClient(path.join(folder, 'client'), sshd)
  const code = await bundleWorker()
  const known: Known[] = []
  let gates = 0
  const sessions = path.join(folder, 'upstream-sessions')
  fs.writeFileSync(sessions, '')

  const openGate = async (
    settings: Readonly<Record<string, string>>,
    watch?: WorkerWatch,
  ): Promise<Gate & { put: Put }> => {
    const home = all.use(openHome(path.join(folder, `home-${gates++}`), {}))
    const before = new Set(descendantsOf(process.pid).map(({ pid }) => pid))
    const local = all.use(
      await startLocalGate({
        home,
        port: 0,
        companionPort: 0,
        settings,
        // Lines of level info would clutter the tables.
        log: line => void (/^\{"level":"info"/.test(line) || process.stderr.write(`${line}\n`)),
        runWorker: options =>
          startWorker({
            ...options,
            code: code + (watch?.code ?? ''),
            log: watch?.heard ?? options.log,
          }),
      }),
    )
    // sshd logs the command of each session of a gate, for upstreamSessions.
    const note = `echo \\"$SSH_ORIGINAL_COMMAND\\" >> ${sessions}; exec git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"`
    const key = (await local.admin.identity('bench')).trim()
    fs.appendFileSync(path.join(folder, 'sshd/authorized_keys'), `restrict,command="${note}" ${key}\n`)
    const workerd = descendantsOf(process.pid).filter(
      ({ pid, name }) => !before.has(pid) && name === 'workerd',
    )
    const put: Put = async ({ name, url, knownHosts }) => {
      await local.admin.repository(name, { upstream: url, identity: 'bench', knownHosts })
    }
    const tokens = new Map<string, Promise<string>>()
    return {
      url: local.url,
      home: home.dir,
      adminToken: home.adminToken,
      put,
      processes: { worker: workerd.map(({ pid }) => pid), companion: local.companion.pid },
      async agent(name, repository, push) {
        const token =
          tokens.get(name) ??
          local.admin.agent(name).then(async () => (await local.admin.mint(name, 'bench')).token)
        tokens.set(name, token)
        const header = `Authorization: Bearer ${await token}`
        await local.admin.grant(name, repository, toTerms({ push: [...push] }))
        const file = path.join(home.dir, `${name}.gitconfig`)
        fs.writeFileSync(file, `[http "${local.url}/"]\n\textraHeader = "${header}"\n`, { mode: 0o600 })
        return { url: `${local.url}/${repository}.git`, env: { GIT_CONFIG_GLOBAL: file } }
      },
    }
  }
  const gate = await openGate({}).catch(async error => {
    await all.disposeAsync()
    throw error
  })

  const links = new Map<number, Promise<number>>()
  const portAt = (roundTripMs: number): Promise<number> => {
    if (!roundTripMs) return Promise.resolve(sshd.port)
    const open = links.get(roundTripMs) ?? delayLink(sshd.port, roundTripMs).then(link => all.use(link).port)
    links.set(roundTripMs, open)
    return open
  }
  return {
    folder,
    gate,
    async place(name, shape, roundTripMs = 0) {
      const dir = path.join(folder, 'upstreams', `${name}.git`)
      if (!fs.existsSync(dir)) await makeRepository(dir, shape)
      const port = await portAt(roundTripMs)
      const ssh = sshd.urlOf(dir).replace(`:${sshd.port}/`, `:${port}/`)
      const put = { name, url: ssh, knownHosts: sshd.knownHosts.replace(`:${sshd.port} `, `:${port} `) }
      known.push(put)
      await gate.put(put)
      const remote = { url: ssh, env: client.env }
      return { name, dir, ssh: remote, gate: await gate.agent('ada', name, ['refs/heads/**']) }
    },
    async anotherGate(settings, names, watch) {
      const another = await openGate(settings, watch)
      for (const put of known.filter(each => names.includes(each.name))) await another.put(put)
      return another
    },
    upstreamSessions: ({ dir }) => {
      const lines = fs.readFileSync(sessions, 'utf8').split('\n')
      return lines.filter(line => line.includes(`/${path.basename(dir)}'`))
    },
    fresh: name => {
      const parent = path.join(folder, 'work')
      fs.mkdirSync(parent, { recursive: true })
      return fs.mkdtempSync(path.join(parent, `${name}-`))
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
