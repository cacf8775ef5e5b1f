import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { killTree } from './process/processes.ts'
import type { Home } from './state-folder.ts'
import { projectRoot } from './worker/bundle.ts'

export interface CompanionOptions {
  readonly home: Home
  /** On 127.0.0.1; 0: any free one. */
  readonly port: number
  /** The GATE_… settings it reads besides what it is given here. */
  readonly settings: Readonly<Record<string, string>>
  /** A line for whoever watches the gate. */
  readonly say: (line: string) => void
}

export interface RunningCompanion extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  /** Rejects when it dies again and again; otherwise stays open. */
  readonly lost: Promise<never>
}

/** Node lets buffers of a stream pile up until its young generation is full; a small one bounds them to some MB. */
const YOUNG_GENERATION = '--max-semi-space-size=1'

const READY_MS = 20_000
/** What a companion gets after SIGTERM to end its sessions. */
const STOP_MS = 10_000
/** So many deaths in a minute are too many. */
const MAX_DEATHS = 5

/**
 * Where Node keeps what it compiled. With it a companion starts without the compiler for TypeScript, which would stay
 * in its memory (23 MB), and every process that it starts copies the tables of that memory.
 */
export const COMPILED = path.join(projectRoot, 'node_modules/.cache/git-gate')

/** What a companion's process sees of the launcher's environment, besides GATE_… settings. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR']

/** Runs the companion as a child, and again whenever it dies. */
export async function startCompanion(options: CompanionOptions): Promise<RunningCompanion> {
  let { child, url } = await startOnce(options, options.port)
  const port = Number(new URL(url).port)
  const deaths: number[] = []
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => {})
  const stopping = new AbortController()

  const startAgain = async (why: string): Promise<void> => {
    if (stopping.signal.aborted) return
    deaths.push(Date.now())
    const lately = deaths.filter(at => at > Date.now() - 60_000).length
    if (lately > MAX_DEATHS) return lost.reject(new Error(`the companion keeps ending: ${why}`))
    options.say(`gate: ${why}; it is started again`)
    try {
      await delay(200 * (lately - 1), undefined, { signal: stopping.signal })
      ;({ child, url } = await startOnce(options, port))
    } catch (error) {
      return startAgain(error instanceof Error ? error.message : String(error))
    }
    if (stopping.signal.aborted) await stop(child)
    else watch()
  }
  const watch = (): void => {
    child.once('exit', (code, signal) => startAgain(`the companion ended (${signal ?? `code ${code}`})`))
  }
  watch()
  return {
    url,
    get pid() {
      return child.pid ?? -1
    },
    lost: lost.promise,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await stop(child)
    },
  }
}

async function startOnce(
  options: CompanionOptions,
  port: number,
): Promise<{ child: ChildProcess; url: string }> {
  const { home, settings, say } = options
  const { GATE_ADMIN_TOKEN: _, ...theirs } = settings
  const child = spawn(
    path.join(projectRoot, 'local/process/die-with-parent.sh'),
    [process.execPath, YOUNG_GENERATION, path.join(projectRoot, 'container/main.ts')],
    {
      cwd: projectRoot,
      env: {
        ...Object.fromEntries(INHERITED.map(name => [name, process.env[name]])),
        GATE_GITLEAKS: path.join(projectRoot, '.cache/gitleaks/gitleaks'),
        ...theirs,
        NODE_COMPILE_CACHE: COMPILED,
        GATE_TIED_SIGNAL: 'TERM',
        COMPANION_PORT: String(port),
        GATE_HOST: '127.0.0.1',
        GATE_HOME: home.companion,
        GATE_PASS_KEY: home.passKey,
      },
      // A group of its own: Ctrl-C in a terminal is for the launcher, which stops it in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  createInterface({ input: child.stderr }).on('line', say)
  const ready = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const [, url] = /^companion: ready (http:\S+)$/.exec(line) ?? []
      if (url) resolve(url.replace(/\/$/, ''))
      else say(line)
    })
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(new Error(`the companion ended as it started (${signal ?? `code ${code}`})`)),
    )
  })
  const patience = new AbortController()
  try {
    const url = await Promise.race([
      ready,
      delay(READY_MS, undefined, { signal: patience.signal }).then(() => {
        throw new Error(`the companion was not ready after ${READY_MS / 1000} s`)
      }),
    ])
    return { child, url }
  } catch (error) {
    if (child.pid !== undefined) killTree(child.pid)
    throw error
  } finally {
    patience.abort()
  }
}

/** SIGTERM, time to end its sessions, then SIGKILL for it and all it started. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const { pid } = child
  const ended = once(child, 'exit')
  const kill = setTimeout(() => killTree(pid), STOP_MS)
  child.kill('SIGTERM')
  await ended
  clearTimeout(kill)
}
