import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { inject } from 'vitest'
import type { z } from 'zod'
import { type GrantOptions, toTerms } from '../../cli/options/grant-options.ts'
import type { Admin } from '../../local/admin-client.ts'
import { startLocalGate } from '../../local/gate.ts'
import { openHome } from '../../local/state-folder.ts'
import { type Clone, cloneIn, type Files } from './clone.ts'
import { git, type Ran, type RunningGit } from './git.ts'
import { type Address, startUpstream, type Upstream } from './hosts/upstream.ts'
import { untilIdle } from './idle.ts'
import { type Ledger, ledgerOf } from './ledger.ts'
import { mortalWorker } from './restartable-worker.ts'

export interface GateOptions {
  /** GATE_… settings of Worker and companion, such as { GATE_CLIENT_IDLE_SECONDS: '1' }. */
  readonly settings?: Readonly<Record<string, string>>
  /** The upstream of the repository `app`, and the address at which the gate reaches it. */
  readonly upstream?: { empty?: boolean; through?: (upstream: Upstream) => Promise<Address> }
  /** Returns the URL at which the Worker reaches the companion. */
  readonly companionThrough?: (url: string) => Promise<string>
  /** The address that the Worker listens on; 127.0.0.1 by default. */
  readonly host?: string
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
  /** Adds an agent with a token and a grant; `wishes` are the command line's options, without dashes. */
  agent(name: string, wishes: z.input<typeof GrantOptions>, options?: AgentOptions): Promise<Agent>
  /** Waits at most `within` milliseconds until no process or temporary file of a session is left. */
  idle(options: { within: number }): Promise<void>
  /** Runs the Worker's scheduled work. */
  tick(): Promise<void>
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
export async function startGate(options: GateOptions = {}): Promise<Gate> {
  await using all = new AsyncDisposableStack()
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-'))
  all.defer(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
  const home = all.use(openHome(path.join(dir, 'home'), {}))
  // Registered before the gate, so that upstreams end after it.
  const upstreams = all.use(new AsyncDisposableStack())
  const first = startUpstream(options.upstream)
  first.catch(() => {})
  all.defer(async () => (await first)[Symbol.asyncDispose]())
  const log: string[] = []
  const code = fs.readFileSync(inject('worker'), 'utf8')
  const runtime = mortalWorker(code, options.host)
  const local = all.use(
    await startLocalGate({
      home,
      port: options.settings?.GATE_GIT_LISTEN ? await freePort() : 0,
      companionPort: 0,
      settings: options.settings ?? {},
      say: line => log.push(line),
      async runWorker({ bindings, ...worker }) {
        const through = options.companionThrough
        const { GATE_COMPANION_URL: url = '' } = bindings
        return runtime.start({
          ...worker,
          bindings: through ? { ...bindings, GATE_COMPANION_URL: await through(url) } : bindings,
        })
      },
    }).catch(error => {
      throw new Error(`the gate does not start:\n${log.join('\n')}`, { cause: error })
    }),
  )
  const { admin, url } = local
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
    const behind = upstream ?? upstreams.use(await startUpstream({ empty }))
    const identity = `for-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`.slice(0, 63)
    behind.authorize(await admin.identity(identity))
    const { url: to, knownHosts } = behind.at(through)
    await admin.repository(name, { upstream: to, identity, knownHosts, staleReads })
    return behind
  }
  const upstream = await first
  const app = await repository('app', {
    upstream,
    through: (await options.upstream?.through?.(upstream)) ?? {},
  })

  let folders = 0
  const agent: Gate['agent'] = async (name, wishes, { repository: where = 'app', through = url } = {}) => {
    await admin.agent(name)
    await admin.grant(name, where, toTerms(wishes))
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

  const running = all.move()
  return {
    url,
    port: Number(new URL(url).port),
    home: home.dir,
    adminToken: home.adminToken,
    admin,
    ledger: ledgerOf(admin),
    upstream: app,
    companion,
    passKey: home.passKey,
    killWorker: runtime.kill,
    gitUrl(name = 'app') {
      // A restarted companion may have another port.
      const at = log.findLast(line => line.includes('also git://'))?.split('also ')[1]
      if (!at) throw new Error('this gate does not serve git://')
      return `${at}/${name}.git`
    },
    log,
    repository,
    agent,
    idle: ({ within }) => untilIdle(companion, within),
    tick: () => local.worker.tick(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** The companion gets the Worker's port before the Worker starts. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
