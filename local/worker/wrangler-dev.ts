import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { descendantsOf, killTree } from '../process/processes.ts'
import { projectRoot } from './bundle.ts'
import { startScheduler } from './scheduler.ts'
import { migrateLedger, type RunningWorker, type WorkerOptions } from './workerd.ts'
import type { Wanted } from './wrangler-dev-server.ts'

const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 5_000

export interface WranglerDevOptions extends Omit<WorkerOptions, 'code'> {
  readonly state: string
  /**
   * Present: runs containers as in production, which wrangler builds and starts, with these environment
   * variables (they locate Docker).
   */
  readonly containers?: Readonly<Record<string, string>>
}

/**
 * Runs the Worker in wrangler's development server, which rebuilds and reloads it at every change in src/.
 */
export async function startWranglerDev(options: WranglerDevOptions): Promise<RunningWorker> {
  const { port, state, bindings, containers, log } = options
  await migrateLedger(state)
  const environment = containers && 'production'
  const child = startServer({ port, state, bindings, environment }, { ...containers })
  const { pid = -1 } = child
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      const all = descendantsOf(pid).map(process => process.pid)
      const kill = setTimeout(() => killTree(pid), STOP_TIMEOUT_MS)
      child.kill('SIGTERM')
      await ended
      clearTimeout(kill)
      for (const each of all) killTree(each)
    }
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
  const ticks = startScheduler(tick, log)
  return {
    url,
    tick,
    async [Symbol.asyncDispose]() {
      await ticks[Symbol.asyncDispose]()
      await stop()
    },
  }
}

/** Starts it in its own process group: Ctrl-C reaches only the launcher. */
function startServer(wanted: Wanted, env: Record<string, string>): ChildProcess {
  const child = spawn(
    path.join(projectRoot, 'local/process/die-with-parent.sh'),
    [process.execPath, path.join(projectRoot, 'local/worker/wrangler-dev-server.ts')],
    {
      cwd: projectRoot,
      env: {
        ...process.env,
        // workerd.ts sets this for a Miniflare in this process.
        MINIFLARE_WORKERD_PATH: undefined,
        WRANGLER_SEND_METRICS: 'false',
        // These pages would show the ledger to every local user, at /cdn-cgi/local/explorer.
        X_LOCAL_EXPLORER: 'false',
        X_LOCAL_OBSERVABILITY: 'false',
        WRANGLER_WRITE_LOGS: 'false',
        // Otherwise wrangler requests a sample `request.cf` from Cloudflare and stores it in
        // node_modules/.mf.
        CLOUDFLARE_CF_FETCH_ENABLED: 'false',
        // wrangler stores an id of this machine here, even without metrics.
        XDG_CONFIG_HOME: path.join(path.dirname(wanted.state), 'wrangler'),
        GATE_PARENT_DEATH_SIGNAL: 'TERM',
        ...env,
      },
      detached: true,
      stdio: ['pipe', 2, 2],
    },
  )
  // EPIPE: the process has exited, which untilHealthy reports.
  child.stdin?.on('error', () => {})
  child.stdin?.end(JSON.stringify(wanted))
  return child
}

async function untilHealthy(url: string, hasEnded: () => boolean): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS
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
