import { createRequire } from 'node:module'
import path from 'node:path'
import { Miniflare, type MiniflareOptions } from 'miniflare'
import { projectRoot } from './bundle.ts'
import { migrate } from './migrations.ts'
import { startScheduler } from './scheduler.ts'
import { type WorkerCalls, workerCalls } from './worker-calls.ts'
import { readWranglerConfig, type WranglerConfig } from './wrangler-config.ts'

export interface WorkerOptions {
  /** The Worker as one module (bundleWorker). */
  readonly code: string
  /** The listen address; absent: 127.0.0.1. */
  readonly host?: string
  /** The port; 0: any free port. */
  readonly port: number
  /** The persistence folder, as `wrangler dev --persist-to` takes it; absent: in memory. */
  readonly state?: string
  /** True if the ledger in `state` has every migration already. To look takes 0.1 s of processor time. */
  readonly isMigrated?: boolean
  /** Text bindings: settings and secrets. */
  readonly bindings: Readonly<Record<string, string>>
  /** The names of R2 bindings. A gate on one machine keeps its mirrors, so it needs no bucket. */
  readonly buckets?: readonly string[]
  /** Receives each line that the Worker logs. */
  readonly log: (line: string) => void
}

/** The name of the Worker's main module. */
const MAIN = 'main.js'

export interface RunningWorker extends AsyncDisposable {
  /** The URL without a trailing slash. */
  readonly url: string
  /** Runs the scheduled handler now. */
  tick(): Promise<void>
}

/**
 * Runs the Worker in workerd, with a migrated ledger. Uses Miniflare directly because `wrangler dev`
 * loses a client's disconnect while a response is pending.
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const config = readWranglerConfig()
  const calls = workerCalls()
  const modules = { [MAIN]: calls.main, 'index.js': options.code }
  const miniflare = withoutItsSignalHandlers(() => new Miniflare(miniflareOptions(config, options, modules)))
  try {
    const url = (await miniflare.ready).origin
    if (!options.isMigrated) await migrateIn(miniflare, config, calls)
    const tick = () => calls.schedule(miniflare, config.triggers.crons[0] ?? '')
    const ticks = startScheduler(tick, options.log)
    return {
      url,
      tick,
      async [Symbol.asyncDispose]() {
        await ticks[Symbol.asyncDispose]()
        await miniflare.dispose()
      },
    }
  } catch (error) {
    await miniflare.dispose()
    throw error
  }
}

/** Migrates the ledger of a persistence folder. No Worker may be using it. */
export async function migrateLedger(state: string): Promise<void> {
  const config = readWranglerConfig()
  const calls = workerCalls()
  const modules = { [MAIN]: calls.main, 'index.js': 'export default {}; export class Companion {}' }
  const options = { port: 0, state, bindings: {}, log: () => {} }
  const miniflare = withoutItsSignalHandlers(() => new Miniflare(miniflareOptions(config, options, modules)))
  try {
    await migrateIn(miniflare, config, calls)
  } finally {
    await miniflare.dispose()
  }
}

async function migrateIn(miniflare: Miniflare, config: WranglerConfig, calls: WorkerCalls): Promise<void> {
  for (const { binding, migrations_dir } of config.d1_databases)
    await migrate(calls.database(miniflare, binding), path.join(projectRoot, migrations_dir))
}

/**
 * Turns off Miniflare's development features. Its registry makes workerd listen on a debug port without
 * authentication: every local user could run SQL on the ledger. The explorer and the observability pages show
 * the ledger's rows.
 */
export const closed = {
  enableDevRegistry: false,
  unsafeLocalExplorer: false,
  unsafeObservability: false,
  unsafeTriggerHandlers: false,
  telemetry: { enabled: false },
} satisfies Partial<MiniflareOptions>

function miniflareOptions(
  config: WranglerConfig,
  options: Omit<WorkerOptions, 'code'>,
  modules: Readonly<Record<string, string>>,
): MiniflareOptions {
  const classes = config.durable_objects.bindings
  return {
    host: options.host ?? '127.0.0.1',
    port: options.port,
    cf: false,
    logRequests: false,
    ...closed,
    ...(options.state === undefined ? {} : { resourcePersistencePath: path.join(options.state, 'v3') }),
    handleStructuredLogs: ({ message }) => options.log(message),
    unsafeRuntimeEnv: dieWithParent(),
    workers: [
      {
        config: {
          name: config.name,
          compatibilityDate: config.compatibility_date,
          compatibilityFlags: config.compatibility_flags,
          manifest: {
            mainModule: MAIN,
            modules: Object.fromEntries(
              Object.entries(modules).map(([name, contents]) => [name, { type: 'esm' as const, contents }]),
            ),
          },
          env: {
            ...texts(config.vars),
            ...texts(options.bindings),
            COMPANION_NETWORK: network,
            ...Object.fromEntries(
              config.d1_databases.map(d => [d.binding, { type: 'd1' as const, id: d.database_id }]),
            ),
            ...Object.fromEntries((options.buckets ?? []).map(name => [name, { type: 'r2' as const, name }])),
            ...Object.fromEntries(
              classes.map(c => [
                c.name,
                { type: 'durable-object' as const, worker: config.name, exportName: c.class_name },
              ]),
            ),
          },
          exports: Object.fromEntries(
            classes.map(c => [c.class_name, { type: 'durable-object' as const, storage: 'sqlite' as const }]),
          ),
        },
      },
    ],
  }
}

/**
 * The network, for requests to the companion. `fetch` alone passes through a Worker of Miniflare's, which takes a tenth of
 * the time of a request, and copies each byte of a response once more.
 */
const network = {
  type: 'network' as const,
  allow: ['public', 'private'],
  tlsOptions: { trustBrowserCas: true },
}

const texts = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { type: 'text' as const, value }]))

/** Returns the path of Miniflare's workerd. Another version would be incompatible. */
function workerdProgram(): string {
  const workerd: { default: string } = createRequire(import.meta.resolve('miniflare'))('workerd')
  return workerd.default
}

/**
 * Makes workerd exit with this process: Miniflare leaves it running when its own process is killed. Returns
 * the variables for workerd's environment. Every later Miniflare of this process needs them.
 */
export function dieWithParent(): Record<string, string> {
  process.env.MINIFLARE_WORKERD_PATH ??= path.join(projectRoot, 'local/process/die-with-parent.sh')
  return { GATE_PARENT_DEATH_PROGRAM: workerdProgram() }
}

/**
 * Removes Miniflare's signal handlers: they would end this process at once, and the launcher decides when and
 * how it stops.
 */
function withoutItsSignalHandlers<T>(make: () => T): T {
  const signals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(name => ({
    name,
    before: process.listeners(name),
  }))
  const result = make()
  for (const { name, before } of signals)
    for (const listener of process.listeners(name))
      if (!before.includes(listener)) process.removeListener(name, listener)
  return result
}
