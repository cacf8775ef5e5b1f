import fs from 'node:fs'
import path from 'node:path'
import { toTerms } from '../cli/options/grant-options.ts'
import { type LocalGate, startLocalGate } from '../local/gate.ts'
import { descendantsOf } from '../local/process/processes.ts'
import { type Home, openHome } from '../local/state-folder.ts'
import { startWorker } from '../local/worker/workerd.ts'

/** A repository's URL, and the environment with which git reaches it. */
export interface Remote {
  readonly url: string
  readonly env: Readonly<Record<string, string>>
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

/** An upstream of the bench's sshd. */
export interface BenchUpstream {
  readonly name: string
  readonly url: string
  readonly knownHosts: string
}

/** A gate of the bench, which can get further repositories. */
export interface BenchGate extends Gate {
  addRepository(upstream: BenchUpstream): Promise<void>
}

interface BenchGateOptions {
  readonly home: string
  /** The bundled Worker. */
  readonly code: string
  readonly settings: Readonly<Record<string, string>>
  readonly watch?: WorkerWatch | undefined
  /** Receives the gate's public key, before the gate gets a repository. */
  readonly admitKey: (publicKey: string) => void
}

const IDENTITY = 'bench'

/** Starts a gate on free ports. `stack` stops it. */
export async function startBenchGate(
  stack: AsyncDisposableStack,
  { home: folder, code, settings, watch, admitKey }: BenchGateOptions,
): Promise<BenchGate> {
  const home = stack.use(openHome(folder, {}))
  const before = new Set(descendantsOf(process.pid).map(({ pid }) => pid))
  const local = stack.use(
    await startLocalGate({
      home,
      port: 0,
      companionPort: 0,
      settings,
      // Lines of level info would clutter the tables.
      log: line => void (/^\{"level":"info"/.test(line) || process.stderr.write(`${line}\n`)),
      runWorker: options =>
        startWorker({ ...options, code: code + (watch?.code ?? ''), log: watch?.heard ?? options.log }),
    }),
  )
  admitKey((await local.admin.identity(IDENTITY)).trim())
  const workerd = descendantsOf(process.pid).filter(({ pid, name }) => !before.has(pid) && name === 'workerd')
  return {
    url: local.url,
    home: home.dir,
    adminToken: home.adminToken,
    processes: { worker: workerd.map(({ pid }) => pid), companion: local.companion.pid },
    agent: createAgents(local, home),
    addRepository: async ({ name, url, knownHosts }) => {
      await local.admin.repository(name, { upstream: url, identity: IDENTITY, knownHosts })
    },
  }
}

/** Returns a function that adds agents. An agent has one token for all of its repositories. */
function createAgents({ admin, url }: LocalGate, home: Home): Gate['agent'] {
  const tokens = new Map<string, Promise<string>>()
  return async (name, repository, push) => {
    const token =
      tokens.get(name) ?? admin.agent(name).then(async () => (await admin.mint(name, 'bench')).token)
    tokens.set(name, token)
    const header = `Authorization: Bearer ${await token}`
    await admin.grant(name, repository, toTerms({ push: [...push] }))
    const file = path.join(home.dir, `${name}.gitconfig`)
    fs.writeFileSync(file, `[http "${url}/"]\n\textraHeader = "${header}"\n`, { mode: 0o600 })
    return { url: `${url}/${repository}.git`, env: { GIT_CONFIG_GLOBAL: file } }
  }
}
