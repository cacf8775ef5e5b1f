import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { killTree, listProcesses } from '../../local/process/processes.ts'
import { seconds, until } from '../harness/index.ts'

const root = path.resolve(import.meta.dirname, '../..')

/** The companion's program in its command line. */
export const COMPANION = '/container.mjs'

/** Lists the processes that have a state folder in their environment or command line. */
export function processesOf(home: string): string[] {
  return listProcesses()
    .filter(each => each.state !== 'Z' && each.pid !== process.pid)
    .flatMap(({ pid }) => {
      const [command, environment] = ['cmdline', 'environ'].map(file => read(`/proc/${pid}/${file}`))
      const isIts = [command, environment].some(text => text?.includes(home))
      return isIts ? [`${pid} ${command?.replaceAll('\0', ' ')}`] : []
    })
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Makes a state folder. Disposing of it kills every process that still runs on it. */
export function stateFolder(): { readonly dir: string } & Disposable {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-start-'))
  return {
    dir,
    [Symbol.dispose]() {
      for (const line of processesOf(dir)) killTree(Number.parseInt(line, 10))
      fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

export interface Started {
  readonly child: ChildProcess
  /** The text after `gate: <word> ` on stdout, once the gate is ready. */
  readonly lines: { ready: string; console: string; clone: string | undefined; upstream: string | undefined }
  stdout(): string
  stderr(): string
  /** Sends signals, and returns how the process ended. */
  end(...signals: NodeJS.Signals[]): Promise<Ended>
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface LaunchOptions {
  readonly env?: Record<string, string>
  /** The command, `node local/start.ts` by default. */
  readonly command?: readonly string[]
  /** Runs the gate in its own process group, as a terminal does. */
  readonly detached?: boolean
}

/** Starts the gate on free ports. */
export function launch(home: string, args: readonly string[] = [], options: LaunchOptions = {}) {
  const { env = {}, command = ['node', 'local/start.ts'], detached = false } = options
  const [program = '', ...first] = command
  const child = spawn(program, [...first, ...args], {
    cwd: root,
    detached,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${path.join(root, 'node_modules/.bin')}:${process.env.PATH}`,
      HOME: process.env.HOME,
      TMPDIR: os.tmpdir(),
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      PORT: '0',
      COMPANION_PORT: '0',
      GATE_HOME: home,
      ...env,
    },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { child, ended, stdout: () => stdout, stderr: () => stderr }
}

/** Starts the gate and waits until it is ready. */
export async function start(...how: Parameters<typeof launch>): Promise<Started> {
  const { child, ended, stdout, stderr } = launch(...how)
  let isOver = false
  ended.finally(() => {
    isOver = true
  })
  const said = (word: string) => new RegExp(`^gate: ${word} (.+)$`, 'm').exec(stdout())?.[1]
  const ready = await until(
    () => {
      if (isOver) throw new Error(`npm start ended: ${stderr()}`)
      return said('ready')
    },
    seconds(60),
    () => `npm start is not ready: ${stdout()}${stderr()}`,
  )
  return {
    child,
    lines: { ready, console: said('console') ?? '', clone: said('clone'), upstream: said('upstream') },
    stdout,
    stderr,
    end(...signals) {
      for (const signal of signals) child.kill(signal)
      return ended
    },
  }
}
