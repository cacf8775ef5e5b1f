import { join } from 'node:path'
import { type Admin, adminOf } from './admin-client.ts'
import { type RunningCompanion, startCompanion } from './companion.ts'
import { relayFromIPv6, relayFromSocket } from './loopback-relay.ts'
import type { Home } from './state-folder.ts'
import type { RunningWorker, WorkerOptions } from './worker/workerd.ts'

export interface LocalGateOptions {
  readonly home: Home
  readonly port: number
  readonly companionPort: number
  readonly settings: Readonly<Record<string, string>>
  readonly log: (line: string) => void
  readonly runWorker: RunWorker
}

/** Starts the Worker. */
export type RunWorker = (options: Omit<WorkerOptions, 'code'> & { state: string }) => Promise<RunningWorker>

export interface LocalGate extends AsyncDisposable {
  /** The URL without a trailing slash. */
  readonly url: string
  /** The URL of the console, for a browser. */
  readonly console: string
  readonly admin: Admin
  readonly worker: RunningWorker
  readonly companion: RunningCompanion
}

/**
 * The console's own host name. Cookies ignore ports, so cookies of 127.0.0.1 would go to every server there.
 */
const CONSOLE_HOST = 'git-gate.localhost'

/** Starts a whole gate on this machine: the companion, and a Worker with the companion's URL. */
export async function startLocalGate(options: LocalGateOptions): Promise<LocalGate> {
  const { home, settings, log } = options
  await using started = new AsyncDisposableStack()
  const companion = await startCompanion({
    home,
    port: options.companionPort,
    // With GATE_GIT_LISTEN the companion serves `git://` and asks the Worker at this URL to authorize
    // clients.
    settings: { GATE_WORKER_URL: `http://127.0.0.1:${options.port}`, ...settings },
    log,
  })
  started.use(companion)
  const consoleHost = settings.GATE_CONSOLE_HOST ?? CONSOLE_HOST
  const worker = await options.runWorker({
    port: options.port,
    state: home.state,
    bindings: {
      GATE_CONSOLE_HOST: consoleHost,
      ...(options.port ? { GATE_PUBLIC_URL: `http://${consoleHost}:${options.port}` } : {}),
      ...withoutSecrets(settings),
      GATE_PASS_KEY: home.passKey,
      GATE_ADMIN_TOKEN: home.adminToken,
      GATE_COMPANION_URL: companion.url,
    },
    log,
  })
  started.use(worker)
  const { port } = new URL(worker.url)
  started.use(await relayFromIPv6(Number(port)))
  started.use(await relayFromSocket(join(home.dir, 'gate.sock'), Number(port)))
  home.writeAdminFile(worker.url)
  const running = started.move()
  return {
    url: worker.url,
    console: `http://${consoleHost}:${port}/-/console`,
    admin: adminOf(worker.url, home.adminToken),
    worker,
    companion,
    [Symbol.asyncDispose]: () => stopInOrder(companion, running),
  }
}

/** Stops the companion first: its sessions still need the Worker to respond. */
async function stopInOrder(companion: RunningCompanion, all: AsyncDisposableStack): Promise<void> {
  await companion[Symbol.asyncDispose]()
  await all.disposeAsync()
}

/** Removes GATE_IDENTITY_… and GATE_CREDENTIAL_… settings: secrets, for the companion only. */
const withoutSecrets = (settings: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !/^GATE_(IDENTITY|CREDENTIAL)_/.test(name)))
