import net from 'node:net'
import { untilAborted } from '../container/process/with-abort.ts'
import { readSettings as readCompanionSettings } from '../container/settings.ts'
import { readSettings } from '../src/common/settings.ts'
import { AdminRefusal } from './admin-client.ts'
import {
  type DemoContext,
  hasDemo,
  mayMakeDemo,
  type ShownRepository,
  setUpDemo,
  setUpUpstream,
} from './demo/demo.ts'
import { AGENT, beginFirstStart, endFirstStart } from './demo/demo-agent.ts'
import { type LocalGate, type RunWorker, startLocalGate } from './gate.ts'
import { gateSettings, type LocalSettings, readLocalSettings } from './settings.ts'
import { readArguments, usage, type Wanted } from './start-options.ts'
import { openHome } from './state-folder.ts'
import { unknownSetting } from './unknown-setting.ts'

/** An exit that is no bug: a one-line message and the exit code. */
class Refusal extends Error {
  readonly exitCode: number
  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

const log = (line: string) => process.stderr.write(`${line}\n`)

/**
 * Runs a gate in the foreground until `stop` aborts. Returns the exit code. Calls `loadWorker` only for a start that is
 * not refused, since it takes half a second of processor time.
 */
export async function launch(loadWorker: () => Promise<RunWorker>, stop: AbortSignal): Promise<number> {
  // A reader may close stdout or stderr; the gate goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    const wanted = readArguments(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd())
    if (wanted.kind === 'help') {
      process.stdout.write(usage)
      return 0
    }
    if (wanted.kind === 'invalid') throw new Refusal(2, `${wanted.reason} (see npm start -- --help)`)
    const read = readLocalSettings(process.env)
    if (!read.ok) throw new Refusal(2, read.problem)
    await serve(read.settings, wanted, loadWorker, stop)
    return 0
  } catch (error) {
    if (stop.aborted) return 0
    log(`gate: ${error instanceof Error ? error.message : error}`)
    if (error instanceof Refusal) return error.exitCode
    return error instanceof AdminRefusal && error.status === 400 ? 2 : 1
  }
}

type Serving = Exclude<Wanted, { kind: 'help' | 'invalid' }>

async function serve(
  settings: LocalSettings,
  wanted: Serving,
  loadWorker: () => Promise<RunWorker>,
  stop: AbortSignal,
): Promise<void> {
  const env = gateSettings(process.env)
  const unknown = unknownSetting(env)
  if (unknown) throw new Refusal(2, unknown)
  using home = openHome(settings.home, env, log)
  const own = { GATE_PASS_KEY: home.passKey, GATE_ADMIN_TOKEN: home.adminToken, GATE_HOME: home.companion }
  const forCompanion = { GATE_WORKER_URL: 'http://127.0.0.1', ...env, ...own }
  for (const read of [readSettings({ ...env, ...own }), readCompanionSettings(forCompanion)])
    if (!read.ok) throw new Refusal(2, read.problem)
  await assertPortFree('PORT', settings.port)
  await assertPortFree('COMPANION_PORT', settings.companionPort)
  stop.throwIfAborted()
  const { port, companionPort } = settings
  // Created before the gate, so that it stops after the gate: a push to this upstream may still be running.
  await using servers = new AsyncDisposableStack()
  // Loading goes on while the companion starts.
  const loading = loadWorker()
  loading.catch(() => {})
  const runWorker: RunWorker = async options => (await loading)(options)
  await using gate = await startLocalGate({ home, port, companionPort, settings: env, log, runWorker })
  stop.throwIfAborted()
  const shown = await setUpWanted(wanted, gate, home.dir, servers)
  stop.throwIfAborted()
  process.stdout.write(
    startLines(gate, shown)
      .map(line => `${line}\n`)
      .join(''),
  )
  await Promise.race([untilAborted(stop), gate.companion.crashLoop])
}

async function setUpWanted(
  wanted: Serving,
  { admin }: LocalGate,
  home: string,
  cleanup: AsyncDisposableStack,
): Promise<ShownRepository | undefined> {
  if (wanted.kind === 'gate alone') return undefined
  const withAgent = wanted.kind === 'demo' || wanted.withAgent
  const isFirstStart = withAgent && (await beginFirstStart(admin, home))
  const context: DemoContext = { admin, home, isFirstStart }
  const isDemo =
    withAgent && ((await hasDemo(context)) || (wanted.kind === 'demo' && (await mayMakeDemo(context))))
  const demo = isDemo ? await setUpDemo(context, cleanup) : undefined
  const shown = wanted.kind === 'demo' ? demo : await setUpUpstream(context, wanted.upstream, withAgent)
  endFirstStart(home)
  if (withAgent && shown && !shown.token)
    log(
      `gate: there is no clone URL: ${AGENT} is created only in an empty ledger, and its token or grant has been removed. Create an agent: git gate agent add NAME --grant REPOSITORY, then git gate token mint NAME`,
    )
  return shown
}

/** The ready line comes last: a program that waits for it has read the other lines. */
function startLines({ url, console }: LocalGate, shown: ShownRepository | undefined): string[] {
  const { host } = new URL(url)
  return [
    ...(shown?.token ? [`gate: clone http://${AGENT}:${shown.token}@${host}/${shown.repository}.git`] : []),
    ...(shown ? [`gate: upstream ${shown.upstream}`] : []),
    `gate: console ${console}`,
    `gate: ready ${url}`,
  ]
}

async function assertPortFree(setting: string, port: number): Promise<void> {
  const server = net.createServer()
  const isFree = await new Promise<boolean>(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (!isFree)
    throw new Refusal(1, `port ${port} is in use; stop what listens there, or set ${setting} to another`)
  await new Promise(resolve => server.close(resolve))
}
