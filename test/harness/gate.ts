import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { z } from 'zod'
import { type GrantOptions, toTerms } from '../../cli/options/grant-options.ts'
import type { Admin } from '../../local/admin-client.ts'
import { type Clone, cloneIn, type Files } from './clone.ts'
import { type GateProcesses, type ProcessOptions, startProcesses } from './gate-processes.ts'
import { git, type Ran, type RunningGit } from './git.ts'
import { type Address, startUpstream, type Upstream } from './hosts/upstream.ts'
import { untilIdle } from './idle.ts'
import { type Ledger, ledgerOf } from './ledger/ledger.ts'

export interface GateOptions extends ProcessOptions {
  /** The upstream of the repository `app`, and the address at which the gate reaches it. */
  readonly upstream?: { empty?: boolean; through?: (upstream: Upstream) => Promise<Address> }
}

export interface Gate extends AsyncDisposable {
  /** Without a trailing slash. */
  readonly url: string
  readonly port: number
  /** The state folder. */
  readonly home: string
  readonly adminToken: string
  readonly admin: Admin
  readonly ledger: Ledger
  /** The upstream of the repository `app`. */
  readonly upstream: Upstream
  readonly companion: { readonly pid: number; readonly url: string; readonly home: string }
  /** The key that signs the passes between Worker and companion. */
  readonly passKey: string
  /** The `git://` URL of a repository, if GATE_GIT_LISTEN is set. */
  gitUrl(repository?: string): string
  /** All lines that Worker and companion logged. */
  readonly log: readonly string[]
  /** Adds a repository to the gate, with its own upstream, which ends with the gate. */
  repository(name: string, options?: RepositoryOptions): Promise<Upstream>
  /** Adds an agent with a token and a grant; `grant` has the options of `git gate grant set`, without dashes. */
  agent(name: string, grant: z.input<typeof GrantOptions>, options?: AgentOptions): Promise<Agent>
  /** Waits at most `within` milliseconds until no process or temporary file of a session is left. */
  idle(options: { within: number }): Promise<void>
  /** Runs the Worker's scheduled work. */
  tick(): Promise<void>
}

/** A gate that one test file has to itself. */
export interface OwnGate extends Gate {
  /** Kills workerd (SIGKILL). `startAgain` starts it on the same port and ledger. */
  killWorker(): Promise<{ startAgain(): Promise<void> }>
}

export interface RepositoryOptions {
  readonly empty?: boolean
  readonly staleReads?: boolean
  /** The address at which the gate reaches the upstream, such as a faulty link. */
  readonly through?: Partial<Address>
  /** An upstream that already runs. */
  readonly upstream?: Upstream
}

export interface AgentOptions {
  /** `app` by default. */
  readonly repository?: string
  /** The URL at which the agent reaches the gate, such as a faulty link. */
  readonly through?: string
}

export interface Agent {
  readonly name: string
  readonly token: string
  readonly tokenId: string
  /** The URL of a repository with the agent's credentials. */
  url(repository?: string): string
  /** Makes a fresh clone. `options` go to `git clone`. */
  clone(...options: string[]): Promise<Clone>
  /** Runs `git clone`, which may fail. */
  tryClone(...options: string[]): RunningGit
  /** Pushes a new commit to a ref. A string or buffer is the content of the file `content`. */
  push(ref: string, content: string | Buffer | Files): Promise<Ran>
}

/** Starts a gate: real workerd, a real companion, and a real upstream for the repository `app`. */
export async function startGate({ upstream, ...options }: GateOptions = {}): Promise<OwnGate> {
  await using all = new AsyncDisposableStack()
  // The upstream starts while the gate does, and ends after it.
  const starting = startUpstream(upstream)
  starting.catch(() => {})
  all.defer(async () => (await starting)[Symbol.asyncDispose]())
  const ends = all.use(new AsyncDisposableStack())
  const processes = all.use(await startProcesses(options))
  const first = await starting
  const through = (await upstream?.through?.(first)) ?? {}
  const gate = await gateOn(processes, ends, { upstream: first, through })
  const running = all.move()
  return {
    ...gate,
    // A spread would copy the lines of this moment.
    get log() {
      return gate.log
    },
    killWorker: processes.killWorker,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Returns the gate of these processes, with the repository `app`. `ends` ends the rest that it starts. */
export async function gateOn(
  processes: GateProcesses,
  ends: AsyncDisposableStack,
  app: RepositoryOptions & { upstream: Upstream },
): Promise<Omit<Gate, typeof Symbol.asyncDispose>> {
  const { home, local, log } = processes
  const { admin, url } = local
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-clones-'))
  ends.defer(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
  const firstLine = log.length
  const companion = {
    get pid() {
      return local.companion.pid
    },
    url: local.companion.url,
    home: home.companion,
  }

  const repository: Gate['repository'] = async (
    name,
    { empty = false, staleReads = false, through, upstream } = {},
  ) => {
    const behind = upstream ?? ends.use(await startUpstream({ empty }))
    const identity = `for-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`.slice(0, 63)
    behind.authorize(await admin.identity(identity))
    const { url: to, knownHosts } = behind.at(through)
    await admin.repository(name, { upstream: to, identity, knownHosts, staleReads })
    return behind
  }
  const upstream = await repository('app', app)
  return {
    url,
    port: Number(new URL(url).port),
    home: home.dir,
    adminToken: home.adminToken,
    admin,
    ledger: ledgerOf(admin),
    upstream,
    companion,
    passKey: home.passKey,
    gitUrl(name = 'app') {
      // A restarted companion may have another port.
      const at = log.findLast(line => line.includes('also git://'))?.split('also ')[1]
      if (!at) throw new Error('this gate does not serve git://')
      return `${at}/${name}.git`
    },
    get log() {
      return log.slice(firstLine)
    },
    repository,
    agent: agentsOf(admin, url, dir),
    idle: ({ within }) => untilIdle(companion, within),
    tick: () => local.worker.tick(),
  }
}

/** Returns the function that adds agents. Their clones lie in `dir`. */
function agentsOf(admin: Admin, url: string, dir: string): Gate['agent'] {
  let folders = 0
  return async (name, grant, { repository: where = 'app', through = url } = {}) => {
    await admin.agent(name)
    await admin.grant(name, where, toTerms(grant))
    const { id: tokenId, token } = await admin.mint(name, 'test')
    const urlOf = (which = where) => `${through.replace('://', `://${name}:${token}@`)}/${which}.git`
    const folder = () => path.join(dir, `${name}-${folders++}`)
    const clone = async (...gitOptions: string[]) => {
      const into = folder()
      const ran = await git(['clone', '-q', ...gitOptions, urlOf(), into])
      if (ran.code !== 0) throw new Error(`${name} could not clone ${where}: ${ran.output}`)
      return cloneIn(into)
    }
    return {
      name,
      token,
      tokenId,
      url: urlOf,
      clone,
      tryClone: (...gitOptions) => git(['clone', ...gitOptions, urlOf(), folder()]),
      async push(ref, content) {
        const files: Files = typeof content === 'string' || Buffer.isBuffer(content) ? { content } : content
        const work = await clone()
        await work.commit(`Change ${Object.keys(files).join(', ')}`, files)
        return work.push(`HEAD:${ref}`)
      },
    }
  }
}
