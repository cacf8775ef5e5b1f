import { type Admin, adminOf } from './admin-client.ts'
import { type RunningCompanion, startCompanion } from './companion.ts'
import { relayFromIPv6 } from './loopback-relay.ts'
import type { Home } from './state-folder.ts'
import type { RunningWorker, WorkerOptions } from './worker/workerd.ts'

export interface LocalGateOptions {
  readonly home: Home
  readonly port: number
  readonly companionPort: number
  /** GATE_… settings for the Worker and the companion. */
  readonly settings: Readonly<Record<string, string>>
  readonly say: (line: string) => void
  /** How the Worker is run. */
  readonly runWorker: (options: Omit<WorkerOptions, 'code'> & { state: string }) => Promise<RunningWorker>
}

export interface LocalGate extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string
  /** The address of the console, for a browser. */
  readonly console: string
  readonly admin: Admin
  readonly worker: RunningWorker
  readonly companion: RunningCompanion
}

/** A name of its own for the console, since cookies know no ports: those of 127.0.0.1 go to every server there. */
const CONSOLE_HOST = 'git-gate.localhost'

/** A whole gate on this machine: the companion, and a Worker that knows where it is. */
export async function startLocalGate(options: LocalGateOptions): Promise<LocalGate> {
  const { home, settings, say } = options
  await using started = new AsyncDisposableStack()
  const companion = await startCompanion({
    home,
    port: options.companionPort,
    // Where it calls for clients that come past the Worker, where it serves any (GATE_GIT_LISTEN).
    settings: { GATE_WORKER_URL: `http://127.0.0.1:${options.port}`, ...settings },
    say,
  })
  started.use(companion)
  const worker = await options.runWorker({
    port: options.port,
    state: home.state,
    bindings: {
      GATE_CONSOLE_HOST: CONSOLE_HOST,
      ...withoutIdentities(settings),
      GATE_PASS_KEY: home.passKey,
      GATE_ADMIN_TOKEN: home.adminToken,
      GATE_COMPANION_URL: companion.url,
    },
    say,
  })
  started.use(worker)
  const { port } = new URL(worker.url)
  started.use(await relayFromIPv6(Number(port)))
  home.announce(worker.url)
  const running = started.move()
  return {
    url: worker.url,
    console: `http://${settings.GATE_CONSOLE_HOST ?? CONSOLE_HOST}:${port}/-/console`,
    admin: adminOf(worker.url, home.adminToken),
    worker,
    companion,
    [Symbol.asyncDispose]: () => stopInOrder(companion, running),
  }
}

/** The companion first: its sessions still have the Worker to answer through. */
async function stopInOrder(companion: RunningCompanion, all: AsyncDisposableStack): Promise<void> {
  await companion[Symbol.asyncDispose]()
  await all.disposeAsync()
}

/** GATE_IDENTITY_… are private keys: for the companion alone. */
const withoutIdentities = (settings: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !name.startsWith('GATE_IDENTITY_')))
