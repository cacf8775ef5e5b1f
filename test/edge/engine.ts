import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { projectRoot } from '../../local/bundle.ts'
import { COMPILED } from '../../local/companion.ts'
import { killTree } from '../../local/processes.ts'
import { seconds, until } from '../harness/index.ts'

/** What runs as one container: a process with a disk of its own that goes with it. */
export interface Instance {
  readonly pid: number
  readonly home: string
  /** What the Durable Object handed it. */
  readonly env: Readonly<Record<string, string>>
  readonly child: ChildProcess
  /** Where it listens, once it does. */
  url: string | undefined
}

/** The stand-in for Cloudflare's container engine: it runs images as processes of this machine. */
export interface Engine extends AsyncDisposable {
  readonly url: string
  /** The command line of a repository's next starts, where it is not the real companion. */
  readonly images: Map<string, readonly string[]>
  /** What a repository's next starts wait for. */
  readonly holds: Map<string, Promise<void>>
  /** Every container that was started for a repository, the newest last. */
  of(repository: string): readonly Instance[]
  /** The newest, which may have ended by now; throws when none was started. */
  newest(repository: string): Instance
  readonly log: readonly string[]
}

/** Resolves when a container has ended; rejects when it goes on for longer than `within` milliseconds. */
export const ended = ({ child, pid }: Instance, within = seconds(30)) =>
  until(
    () => (child.exitCode !== null || child.signalCode !== null ? true : undefined),
    within,
    () => `the container ${pid} goes on`,
  )

const companionImage: readonly string[] = [process.execPath, path.join(projectRoot, 'container/main.ts')]

/** An image whose companion speaks another version of the protocol. */
export const imageOfProtocol = (protocol: number): readonly string[] => [
  process.execPath,
  path.join(import.meta.dirname, 'other-version.ts'),
  String(protocol),
]

export async function startEngine(): Promise<Engine> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-engine-'))
  const started = new Map<string, Instance[]>()
  const log: string[] = []
  const alive = (name: string) =>
    started.get(name)?.find(({ child }) => child.exitCode === null && child.signalCode === null)

  const start = (name: string, env: Record<string, string>): void => {
    const before = started.get(name) ?? []
    const home = path.join(folder, `${before.length}-${name.replaceAll('/', '.')}`)
    const child = spawn(
      path.join(projectRoot, 'local/tied.sh'),
      [...(engine.images.get(name) ?? companionImage)],
      {
        env: {
          PATH: process.env.PATH,
          GATE_GITLEAKS: path.join(projectRoot, '.cache/gitleaks/gitleaks'),
          NODE_COMPILE_CACHE: COMPILED,
          ...env,
          COMPANION_PORT: '0',
          GATE_HOST: '127.0.0.1',
          GATE_HOME: home,
        },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const instance: Instance = { pid: child.pid ?? -1, home, env, child, url: undefined }
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', line => {
        log.push(`${name}: ${line}`)
        instance.url ??= /^companion: ready (http:\S+)$/.exec(line)?.[1]
      })
    child.once('exit', () => {
      instance.url = undefined
      // Whatever it had started goes with a container.
      killTree(instance.pid)
      fs.rmSync(home, { recursive: true, force: true, maxRetries: 3 })
    })
    started.set(name, [...before, instance])
  }

  const destroy = async (name: string) => {
    const instance = alive(name)
    if (!instance) return
    const exit = once(instance.child, 'exit')
    killTree(instance.pid)
    await exit
  }

  const orders: Record<string, (name: string, request: IncomingMessage) => unknown> = {
    running: name => alive(name) !== undefined,
    async start(name, request) {
      if (alive(name)) throw new Error(`the container of ${name} runs already`)
      const env = JSON.parse(await textOf(request))
      await engine.holds.get(name)
      start(name, env)
    },
    address: name => alive(name)?.url ?? null,
    async monitor(name) {
      const child = alive(name)?.child
      if (child) await once(child, 'exit')
      const { exitCode, signalCode } = started.get(name)?.at(-1)?.child ?? {}
      return { exitCode, signalCode }
    },
    signal: async (name, request) => alive(name)?.child.kill(Number(await textOf(request))),
    destroy,
  }
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://engine')
    try {
      const answer = await orders[url.pathname.slice(1)]?.(url.searchParams.get('name') ?? '', request)
      response.end(JSON.stringify(answer ?? null))
    } catch (error) {
      response.writeHead(500).end(String(error))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const engine: Engine = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    images: new Map(),
    holds: new Map(),
    log,
    of: repository => started.get(repository) ?? [],
    newest(repository) {
      const instance = engine.of(repository).at(-1)
      if (!instance) throw new Error(`no container was started for ${repository}:\n${log.join('\n')}`)
      return instance
    },
    async [Symbol.asyncDispose]() {
      for (const name of started.keys()) await destroy(name)
      server.closeAllConnections()
      server.close()
      fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
  return engine
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
