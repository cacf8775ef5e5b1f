import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { bundledProgram } from './process/bundled-program.ts'
import { COMPILE_CACHE } from './process/compile-cache.ts'
import { killTree } from './process/processes.ts'
import type { Home } from './state-folder.ts'
import { projectRoot } from './worker/bundle.ts'

export interface CompanionOptions {
  readonly home: Home
  /** The port on 127.0.0.1; 0: any free port. */
  readonly port: number
  /** GATE_… settings beyond those that startCompanion sets. */
  readonly settings: Readonly<Record<string, string>>
  /** Prints a line for the operator. */
  readonly log: (line: string) => void
}

export interface RunningCompanion extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  /** Rejects when the companion exits more than MAX_EXITS_PER_MINUTE times in a minute; otherwise stays pending. */
  readonly crashLoop: Promise<never>
}

/**
 * Node frees stream buffers only when its young generation is full. A small young generation limits them to
 * some MB.
 */
const YOUNG_GENERATION = '--max-semi-space-size=1'

const READY_TIMEOUT_MS = 20_000
/** The time for a companion to end its sessions after SIGTERM, in milliseconds. */
const STOP_TIMEOUT_MS = 10_000
/** The limit of exits in one minute. */
const MAX_EXITS_PER_MINUTE = 5

/** The launcher's environment variables that the companion inherits, besides GATE_… settings. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR']

/** Runs the companion as a child process, and restarts it when it exits. */
export async function startCompanion(options: CompanionOptions): Promise<RunningCompanion> {
  let { child, url } = await startOnce(options, options.port)
  const port = Number(new URL(url).port)
  const exits: number[] = []
  const crashLoop = Promise.withResolvers<never>()
  crashLoop.promise.catch(() => {})
  const stopping = new AbortController()

  const startAgain = async (reason: string): Promise<void> => {
    if (stopping.signal.aborted) return
    exits.push(Date.now())
    const recentExits = exits.filter(at => at > Date.now() - 60_000).length
    if (recentExits > MAX_EXITS_PER_MINUTE)
      return crashLoop.reject(new Error(`the companion keeps exiting: ${reason}`))
    options.log(`gate: ${reason}; restarting it`)
    try {
      await delay(200 * (recentExits - 1), undefined, { signal: stopping.signal })
      ;({ child, url } = await startOnce(options, port))
    } catch (error) {
      return startAgain(error instanceof Error ? error.message : String(error))
    }
    if (stopping.signal.aborted) await stop(child)
    else watch()
  }
  const watch = (): void => {
    child.once('exit', (code, signal) => startAgain(`the companion exited (${signal ?? `code ${code}`})`))
  }
  watch()
  return {
    url,
    get pid() {
      return child.pid ?? -1
    },
    crashLoop: crashLoop.promise,
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
  const { home, settings, log } = options
  const { GATE_ADMIN_TOKEN: _, ...theirs } = settings
  const program = await bundledProgram('container/main.ts')
  const child = spawn(
    path.join(projectRoot, 'local/process/die-with-parent.sh'),
    [process.execPath, YOUNG_GENERATION, program],
    {
      cwd: projectRoot,
      env: {
        ...Object.fromEntries(INHERITED.map(name => [name, process.env[name]])),
        GATE_GITLEAKS: path.join(projectRoot, '.cache/gitleaks/gitleaks'),
        ...theirs,
        NODE_COMPILE_CACHE: COMPILE_CACHE,
        GATE_PARENT_DEATH_SIGNAL: 'TERM',
        COMPANION_PORT: String(port),
        GATE_HOST: '127.0.0.1',
        GATE_HOME: home.companion,
        GATE_PASS_KEY: home.passKey,
      },
      // Its own process group: Ctrl-C in a terminal reaches only the launcher, which stops the companion in
      // order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  createInterface({ input: child.stderr }).on('line', log)
  const ready = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const [, url] = /^companion: ready (http:\S+)$/.exec(line) ?? []
      if (url) resolve(url.replace(/\/$/, ''))
      else log(line)
    })
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(new Error(`the companion exited as it started (${signal ?? `code ${code}`})`)),
    )
  })
  const readyTimeout = new AbortController()
  try {
    const url = await Promise.race([
      ready,
      delay(READY_TIMEOUT_MS, undefined, { signal: readyTimeout.signal }).then(() => {
        throw new Error(`the companion was not ready after ${READY_TIMEOUT_MS / 1000} s`)
      }),
    ])
    return { child, url }
  } catch (error) {
    if (child.pid !== undefined) killTree(child.pid)
    throw error
  } finally {
    readyTimeout.abort()
  }
}

/** Sends SIGTERM, and SIGKILL to it and its descendants after STOP_TIMEOUT_MS. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const { pid } = child
  const ended = once(child, 'exit')
  const kill = setTimeout(() => killTree(pid), STOP_TIMEOUT_MS)
  child.kill('SIGTERM')
  await ended
  clearTimeout(kill)
}
