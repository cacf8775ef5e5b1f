import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { descendantsOf, killTree } from '../process/processes.ts'
import { projectRoot } from './bundle.ts'
import { startTicking } from './scheduler.ts'
import type { RunningWorker, WorkerOptions } from './workerd.ts'

const READY_MS = 60_000
const STOP_MS = 5_000

export interface WranglerDevOptions extends Omit<WorkerOptions, 'code'> {
  readonly state: string
  /** With containers as in production, which wrangler builds and starts; its environment says where Docker is. */
  readonly containers?: Readonly<Record<string, string>>
}

/** Runs the Worker in `wrangler dev`, which builds and loads it again at every change of src/. */
export async function startWranglerDev(options: WranglerDevOptions): Promise<RunningWorker> {
  const { port, state, bindings, containers, say } = options
  const persist = ['--persist-to', state, ...(containers ? ['--env', 'production'] : [])]
  const migrated = wrangler(
    ['d1', 'migrations', 'apply', 'LEDGER', '--local', ...persist],
    { CI: '1' },
    'pipe',
  )
  const said: Buffer[] = []
  for (const stream of [migrated.stdout, migrated.stderr])
    stream?.on('data', (chunk: Buffer) => said.push(chunk))
  const [code] = await once(migrated, 'exit')
  if (code !== 0) throw new Error(`the ledger could not be migrated: ${Buffer.concat(said)}`)

  // Not --var: everybody on this machine can read a command line.
  const variables = path.join(path.dirname(state), 'dev.env')
  fs.writeFileSync(variables, '', { mode: 0o600 })
  fs.writeFileSync(
    variables,
    Object.entries(bindings)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
      .join(''),
  )
  const child = wrangler(
    [
      'dev',
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      ...persist,
      '--env-file',
      variables,
      '--show-interactive-dev-session=false',
    ],
    { ...containers },
    'inherit',
  )
  const { pid = -1 } = child
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      const all = descendantsOf(pid).map(process => process.pid)
      const kill = setTimeout(() => killTree(pid), STOP_MS)
      child.kill('SIGTERM')
      await ended
      clearTimeout(kill)
      for (const each of all) killTree(each)
    }
    fs.rmSync(variables, { force: true })
  }
  try {
    await untilHealthy(url, () => child.exitCode !== null)
  } catch (error) {
    await stop()
    throw error
  }
  const tick = async () => {
    await fetch(`${url}/cdn-cgi/local/scheduled`)
  }
  const ticks = startTicking(tick, say)
  return {
    url,
    tick,
    async [Symbol.asyncDispose]() {
      await ticks[Symbol.asyncDispose]()
      await stop()
    },
  }
}

/** wrangler itself, in a group of its own, so that Ctrl-C is for the launcher alone. */
function wrangler(args: string[], env: Record<string, string>, output: 'pipe' | 'inherit') {
  const program = path.join(projectRoot, 'node_modules/wrangler/bin/wrangler.js')
  return spawn(
    path.join(projectRoot, 'local/process/die-with-parent.sh'),
    [process.execPath, program, ...args],
    {
      cwd: projectRoot,
      env: {
        ...process.env,
        // What worker.ts puts there is for a miniflare in this process.
        MINIFLARE_WORKERD_PATH: undefined,
        WRANGLER_SEND_METRICS: 'false',
        // It serves the ledger at /cdn-cgi/local/explorer, to whoever asks.
        X_LOCAL_EXPLORER: 'false',
        X_LOCAL_OBSERVABILITY: 'false',
        GATE_TIED_SIGNAL: 'TERM',
        ...env,
      },
      detached: true,
      stdio: ['ignore', output === 'inherit' ? 2 : 'pipe', output === 'inherit' ? 2 : 'pipe'],
    },
  )
}

async function untilHealthy(url: string, hasEnded: () => boolean): Promise<void> {
  const deadline = Date.now() + READY_MS
  for (;;) {
    if (hasEnded()) throw new Error('wrangler dev ended as it started')
    const healthy = await fetch(`${url}/-/health`).then(
      response => response.ok,
      () => false,
    )
    if (healthy) return
    if (Date.now() > deadline) throw new Error(`wrangler dev did not answer at ${url}/-/health`)
    await delay(100)
  }
}
