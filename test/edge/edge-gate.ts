import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import type { z } from 'zod'
import { termsOf, type Wishes } from '../../cli/terms.ts'
import { type Admin, adminOf } from '../../local/admin.ts'
import { projectRoot } from '../../local/bundle.ts'
import { startWorker } from '../../local/worker.ts'
import { type IdentityName, identityVariable } from '../../src/contract/names.ts'
import { type Clone, cloneIn } from '../harness/clone.ts'
import { git } from '../harness/git.ts'
import { startUpstream, type Upstream } from '../harness/index.ts'
import { type Ledger, ledgerOf } from '../harness/ledger.ts'
import { type Engine, startEngine } from './engine.ts'

/** The real Worker and its real Durable Object, whose `ctx.container` alone is a fake. */
const entry = `
  import worker from './src/index.ts'
  import { Companion as Real } from './src/companion/durable-object.ts'
  import { FakeContainer } from './test/edge/fake-container.ts'
  export class Companion extends Real {
    #container
    constructor(ctx, env) {
      super(ctx, env)
      this.#container = new FakeContainer(env.ENGINE, ctx.id.name)
      ctx.blockConcurrencyWhile(() => this.#container.attach())
    }
    container() { return this.#container }
    evict() { this.ctx.abort('evicted') }
  }
  export default {
    ...worker,
    async fetch(request, env, context) {
      const [, evicted] = /^[/]-[/]evict[/](.*)$/.exec(new URL(request.url).pathname) ?? []
      if (!evicted) return worker.fetch(request, env, context)
      await env.COMPANION.get(env.COMPANION.idFromName(evicted)).evict().catch(() => {})
      return new Response('evicted')
    },
  }`

let bundled: Promise<string> | undefined
const bundle = () =>
  (bundled ??= build({
    stdin: { contents: entry, resolveDir: projectRoot, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.html': 'text', '.txt': 'text', '.sql': 'text' },
    logLevel: 'silent',
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? ''))

/** A gate as at Cloudflare's edge: no standing companion, a container for each repository. */
export interface EdgeGate extends AsyncDisposable {
  readonly url: string
  readonly engine: Engine
  readonly admin: Admin
  readonly ledger: Ledger
  readonly log: readonly string[]
  upstream(repository: string): Upstream
  /** An agent's URL of a repository, and its clone there. */
  agent(name: string, wishes: z.input<typeof Wishes>, repository?: string): Promise<EdgeAgent>
  /** The Durable Object is thrown out of memory, and its container goes on. */
  evict(repository: string): Promise<void>
  /** From now on the repository is reached with the identity of another one. */
  exchangeIdentity(repository: string, other: string): Promise<void>
  tick(): Promise<void>
}

export interface EdgeAgent {
  readonly token: string
  readonly url: string
  clone(): Promise<Clone>
}

export interface EdgeOptions {
  /** The first is the default one. */
  readonly repositories?: readonly string[]
  readonly settings?: Readonly<Record<string, string>>
}

export async function startEdgeGate(options: EdgeOptions = {}): Promise<EdgeGate> {
  const { repositories = ['app'], settings = {} } = options
  await using all = new AsyncDisposableStack()
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-edge-'))
  all.defer(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
  const upstreams = new Map<string, Upstream>()
  const publicKeys = new Map<string, string>()
  const secrets: Record<string, string> = {}
  for (const name of repositories) {
    const upstream = all.use(await startUpstream())
    const identity = identityOf(name)
    const { privateKey, publicKey } = await makeKey(path.join(dir, identity))
    upstream.authorize(publicKey)
    secrets[identityVariable(identity as IdentityName)] = privateKey
    upstreams.set(name, upstream)
    publicKeys.set(name, publicKey)
  }
  const engine = all.use(await startEngine())
  const adminToken = randomBytes(24).toString('hex')
  const log: string[] = []
  const worker = all.use(
    await startWorker({
      code: await bundle(),
      port: 0,
      bindings: {
        GATE_PASS_KEY: randomBytes(32).toString('hex'),
        GATE_ADMIN_TOKEN: adminToken,
        ENGINE: engine.url,
        ...secrets,
        ...settings,
      },
      say: line => log.push(line),
    }),
  )
  const admin = adminOf(worker.url, adminToken)
  for (const [name, upstream] of upstreams) {
    const identity = identityOf(name)
    await admin.ask('POST', '/identities', { name: identity, publicKey: publicKeys.get(name) })
    const { url: to, knownHosts } = upstream.at()
    await admin.repository(name, { upstream: to, identity, knownHosts })
  }
  const upstreamOf = (repository: string): Upstream => {
    const upstream = upstreams.get(repository)
    if (!upstream) throw new Error(`there is no repository ${repository}`)
    return upstream
  }
  let clones = 0
  const running = all.move()
  return {
    url: worker.url,
    engine,
    admin,
    ledger: ledgerOf(admin),
    log,
    upstream: upstreamOf,
    async agent(name, wishes, repository = repositories[0] ?? '') {
      await admin.agent(name)
      await admin.grant(name, repository, termsOf(wishes))
      const { token } = await admin.mint(name, 'test')
      const url = `${worker.url.replace('://', `://${name}:${token}@`)}/${repository}.git`
      return {
        token,
        url,
        async clone() {
          const into = path.join(dir, `clone-${clones++}`)
          const ran = await git(['clone', '-q', url, into])
          if (ran.code !== 0) throw new Error(`${name} could not clone ${repository}: ${ran.output}`)
          return cloneIn(into)
        },
      }
    },
    async evict(repository) {
      await (await fetch(`${worker.url}/-/evict/${repository}`)).text()
    },
    async exchangeIdentity(repository, other) {
      const upstream = upstreamOf(repository)
      upstream.authorize(publicKeys.get(other) ?? '')
      const { url: to, knownHosts } = upstream.at()
      await admin.repository(repository, { upstream: to, identity: identityOf(other), knownHosts })
    },
    tick: () => worker.tick(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

const identityOf = (repository: string) => `for-${repository.replaceAll('/', '.')}`

async function makeKey(file: string): Promise<{ privateKey: string; publicKey: string }> {
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file])
  return {
    privateKey: fs.readFileSync(file, 'utf8'),
    publicKey: fs.readFileSync(`${file}.pub`, 'utf8').trim(),
  }
}
