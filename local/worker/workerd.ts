import { createRequire } from 'node:module'
import path from 'node:path'
import { Miniflare, type MiniflareOptions } from 'miniflare'
import { projectRoot } from './bundle.ts'
import { type Database, migrate } from './migrations.ts'
import { startTicking } from './scheduler.ts'
import { readWranglerConfig, type WranglerConfig } from './wrangler-config.ts'

export interface WorkerOptions {
  /** The Worker as one module (bundleWorker). */
  readonly code: string
  /** The address it listens at; 127.0.0.1 where none is given. */
  readonly host?: string
  /** 0: any free one. */
  readonly port: number
  /** The persistence folder, as `wrangler dev --persist-to` takes it; absent: in memory. */
  readonly state?: string
  /** Text bindings: settings and secrets. */
  readonly bindings: Readonly<Record<string, string>>
  /** The bindings of R2 buckets; a gate on one machine needs none, as its mirrors stay. */
  readonly buckets?: readonly string[]
  /** A line that the Worker logged. */
  readonly say: (line: string) => void
}

export interface RunningWorker extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string
  /** Runs the scheduled handler now. */
  tick(): Promise<void>
}

/** miniflare's types leave the handlers out where @cloudflare/workers-types is not installed. */
interface Scheduled {
  scheduled(event: { cron: string }): Promise<unknown>
}

/**
 * Runs the Worker in workerd, with its ledger migrated. Miniflare itself and not `wrangler dev`, because that
 * loses a client's abort while a response is awaited.
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const config = readWranglerConfig()
  const miniflare = withoutItsSignalHandlers(() => new Miniflare(miniflareOptions(config, options)))
  try {
    const url = (await miniflare.ready).origin
    await migrateIn(miniflare, config)
    const tick = async () => {
      // Anew each time: a workerd that died and was started again is another one.
      const worker = (await miniflare.getWorker()) as unknown as Scheduled
      await worker.scheduled({ cron: config.triggers.crons[0] ?? '' })
    }
    const ticks = startTicking(tick, options.say)
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

/** Migrates the ledger of a persistence folder that no Worker uses now. */
export async function migrateLedger(state: string): Promise<void> {
  const config = readWranglerConfig()
  const code = 'export default {}; export class Companion {}'
  const options = { code, port: 0, state, bindings: {}, say: () => {} }
  const miniflare = withoutItsSignalHandlers(() => new Miniflare(miniflareOptions(config, options)))
  try {
    await migrateIn(miniflare, config)
  } finally {
    await miniflare.dispose()
  }
}

async function migrateIn(miniflare: Miniflare, config: WranglerConfig): Promise<void> {
  for (const { binding, migrations_dir } of config.d1_databases) {
    const database: Database = await miniflare.getD1Database(binding)
    await migrate(database, path.join(projectRoot, migrations_dir))
  }
}

/**
 * Miniflare's registry for other development servers has workerd listen on a debug port that asks for no secret: every
 * local user could run SQL on the ledger through it. The explorer and the observability pages show the ledger's rows.
 */
export const closed = {
  enableDevRegistry: false,
  unsafeLocalExplorer: false,
  unsafeObservability: false,
  unsafeTriggerHandlers: false,
  telemetry: { enabled: false },
} satisfies Partial<MiniflareOptions>

function miniflareOptions(config: WranglerConfig, options: WorkerOptions): MiniflareOptions {
  const classes = config.durable_objects.bindings
  return {
    host: options.host ?? '127.0.0.1',
    port: options.port,
    cf: false,
    logRequests: false,
    ...closed,
    ...(options.state === undefined ? {} : { resourcePersistencePath: path.join(options.state, 'v3') }),
    handleStructuredLogs: ({ message }) => options.say(message),
    unsafeRuntimeEnv: tieWorkerd(),
    workers: [
      {
        config: {
          name: config.name,
          compatibilityDate: config.compatibility_date,
          compatibilityFlags: config.compatibility_flags,
          manifest: {
            mainModule: 'index.js',
            modules: { 'index.js': { type: 'esm', contents: options.code } },
          },
          env: {
            ...texts(config.vars),
            ...texts(options.bindings),
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

const texts = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { type: 'text' as const, value }]))

/** Miniflare's own workerd; a workerd of another version would not understand it. */
function workerdProgram(): string {
  const workerd: { default: string } = createRequire(import.meta.resolve('miniflare'))('workerd')
  return workerd.default
}

/**
 * Miniflare leaves workerd running when its own process is killed; what this answers with goes into workerd's
 * environment. Every Miniflare of this process needs it from then on.
 */
export function tieWorkerd(): Record<string, string> {
  process.env.MINIFLARE_WORKERD_PATH ??= path.join(projectRoot, 'local/process/die-with-parent.sh')
  return { GATE_TIED: workerdProgram() }
}

/** At a signal Miniflare would end this process at once; when and how it stops is the launcher's to say. */
function withoutItsSignalHandlers<T>(make: () => T): T {
  const signals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(name => ({
    name,
    before: process.listeners(name),
  }))
  const made = make()
  for (const { name, before } of signals)
    for (const listener of process.listeners(name))
      if (!before.includes(listener)) process.removeListener(name, listener)
  return made
}
