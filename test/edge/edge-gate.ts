import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { build } from 'esbuild'
import { termsOf } from '../../cli/terms.ts'
import { adminOf } from '../../local/admin.ts'
import { projectRoot } from '../../local/bundle.ts'
import { startWorker } from '../../local/worker.ts'
import { type Push, PushPage, RepositoryNow } from '../../src/contract/api.ts'
import { IdentityName, identityVariable } from '../../src/contract/names.ts'
import { type Clone, cloneIn } from '../harness/clone.ts'
import { git, type RunningGit, seconds, startUpstream, type Upstream, until } from '../harness/index.ts'
import { type Engine, type Instance, startEngine } from './engine.ts'
import { makeKey } from './key.ts'

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
      const [, kept] = /^[/]-[/]kept[/](.*)$/.exec(new URL(request.url).pathname) ?? []
      if (kept) {
        const { size, customMetadata } = (await env.HEAD_STARTS.head(kept)) ?? {}
        if (request.method === 'PUT') await env.HEAD_STARTS.put(kept, await request.text(), { customMetadata })
        return Response.json(size ?? 0)
      }
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
  readonly engine: Engine
  repository(name: string): EdgeRepository
  /** What `/-/metrics` says. */
  metrics(): Promise<string>
}

export interface EdgeRepository {
  readonly upstream: Upstream
  /** Every container that was started for it, the newest last. */
  containers(): readonly Instance[]
  /** The newest, which may have ended by now. */
  container(): Instance
  /** An agent that may push to the branches under its name. */
  agent(name: string): Promise<EdgeAgent>
  /** A push of it as soon as it is on record like this. */
  push(fits: Partial<Push>, within?: number): Promise<Push>
  /** Its Durable Object is thrown out of memory, and its container goes on. */
  evict(): Promise<void>
  /** How large the bundle is that is kept of it, in bytes; 0: there is none. */
  kept(): Promise<number>
  /** Somebody has put this in the bundle's place. */
  spoil(text: string): Promise<void>
  /** From now on its upstream is this one, or is reached by this port. */
  lead(to: { upstream?: Upstream; port?: number }): Promise<void>
  /** What its companion tells of it now. */
  now(): Promise<RepositoryNow>
  /** From now on its upstream is reached with the identity of another repository. */
  takeIdentityOf(other: string): Promise<void>
}

export interface EdgeAgent {
  readonly token: string
  readonly url: string
  clone(): Promise<Clone>
  /** `git ls-remote`: the least that asks the companion. */
  look(): RunningGit
}

export interface EdgeOptions {
  readonly repositories: readonly string[]
  readonly settings?: Readonly<Record<string, string>>
}

export async function startEdgeGate({ repositories, settings = {} }: EdgeOptions): Promise<EdgeGate> {
  await using all = new AsyncDisposableStack()
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-edge-'))
  all.defer(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
  const keys = new Map(
    await Promise.all(repositories.map(async name => [name, await makeKey(path.join(dir, name))] as const)),
  )
  const publicKey = (name: string) => keys.get(name)?.publicKey ?? ''
  const engine = all.use(await startEngine())
  const adminToken = randomBytes(24).toString('hex')
  const worker = all.use(
    await startWorker({
      code: await bundle(),
      port: 0,
      buckets: ['HEAD_STARTS'],
      bindings: {
        GATE_PASS_KEY: randomBytes(32).toString('hex'),
        GATE_ADMIN_TOKEN: adminToken,
        ENGINE: engine.url,
        ...Object.fromEntries(
          [...keys].map(([name, { privateKey }]) => [identityVariable(IdentityName.parse(name)), privateKey]),
        ),
        ...settings,
      },
      say: () => {},
    }),
  )
  const admin = adminOf(worker.url, adminToken)
  let clones = 0

  const open = async (name: string): Promise<EdgeRepository> => {
    const upstream = all.use(await startUpstream())
    const reach = async (identity: string, to: { upstream?: Upstream; port?: number } = {}) => {
      const { upstream: there = upstream, port = there.port } = to
      there.authorize(publicKey(identity))
      const { url, knownHosts } = there.at({ port })
      await admin.repository(name, { upstream: url, identity, knownHosts })
    }
    await admin.ask('POST', '/identities', { name, publicKey: publicKey(name) })
    await reach(name)
    return {
      upstream,
      containers: () => engine.of(name),
      container: () => engine.newest(name),
      async agent(agent) {
        await admin.agent(agent)
        await admin.grant(agent, name, termsOf({ push: ['refs/heads/{agent}/**'] }))
        const { token } = await admin.mint(agent, 'test')
        const url = `${worker.url.replace('://', `://${agent}:${token}@`)}/${name}.git`
        return {
          token,
          url,
          look: () => git(['ls-remote', url]),
          async clone() {
            const into = path.join(dir, `clone-${clones++}`)
            const ran = await git(['clone', '-q', url, into])
            if (ran.code !== 0) throw new Error(`${agent} could not clone ${name}: ${ran.output}`)
            return cloneIn(into)
          },
        }
      },
      push(fits, within = seconds(30)) {
        let seen: Push[] = []
        const look = async () => {
          seen = PushPage.parse(await admin.ask('GET', `/pushes?repository=${name}`)).pushes
          return seen.find(push =>
            Object.entries(fits).every(([key, value]) => push[key as keyof Push] === value),
          )
        }
        return until(look, within, () => `no push of ${name} is as awaited: ${JSON.stringify(seen)}`)
      },
      async evict() {
        await (await fetch(`${worker.url}/-/evict/${name}`)).text()
      },
      kept: async () => Number(await (await fetch(`${worker.url}/-/kept/${name}`)).text()),
      async spoil(text) {
        await (await fetch(`${worker.url}/-/kept/${name}`, { method: 'PUT', body: text })).text()
      },
      now: async () => RepositoryNow.parse(await admin.ask('GET', `/repositories/${name}/now`)),
      takeIdentityOf: other => reach(other),
      lead: to => reach(name, to),
    }
  }
  const opened = new Map<string, EdgeRepository>()
  for (const name of repositories) opened.set(name, await open(name))
  const running = all.move()
  return {
    engine,
    async metrics() {
      const headers = { authorization: `Bearer ${adminToken}` }
      return (await fetch(`${worker.url}/-/metrics`, { headers })).text()
    },
    repository(name) {
      const repository = opened.get(name)
      if (!repository) throw new Error(`there is no repository ${name}`)
      return repository
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
