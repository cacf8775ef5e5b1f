import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { NO_COMMAND, withinMemory } from './memory-limit.ts'

/** How a process ended, and what it said. */
export interface ProcessResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Ends the process group when it aborts. */
  readonly signal: AbortSignal
  readonly input?: string | Buffer
  /** The most of stdout that is kept, in bytes; more ends the process (64 MiB). */
  readonly maxOutput?: number
  readonly onStderr?: (chunk: Buffer) => void
  /** Told the process group's id once it runs. */
  readonly onStart?: (pid: number) => void
  /** Given the other end of its descriptor 3, a socket; without this it has none. */
  readonly onFd3?: (socket: Duplex) => void
}

/** What a process that has ended left in its pipes is read within this, in milliseconds. */
const LAST_OUTPUT_MS = 2_000

/** Whether what this process starts gets process groups of its own. */
let useOwnGroups = true

/**
 * From now on, what this process starts stays in its process group: whoever started this process in a group of its
 * own ends it whole, also when this process was killed before it could tell of what it had started.
 */
export function inheritGroup(): void {
  useOwnGroups = false
}

/** SIGKILL for a child's whole process group, as far as it has one; a group that is gone is fine. */
export function killGroup(child: Pick<ChildProcess, 'pid'>, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (child.pid === undefined) return
  try {
    process.kill(useOwnGroups ? -child.pid : child.pid, signal)
  } catch {
    // ESRCH: it has ended
  }
}

/**
 * A child in a process group of its own that goes, with all it started, when the signal aborts. It gets the
 * environment it is given, and the mark by which its companion's next life finds it (orphans.ts). Each of its processes
 * has at most `memoryBytes`, by default the bound of all children (memory-limit.ts); infinity: none.
 */
export function spawnGroup(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { signal: AbortSignal; memoryBytes?: number | undefined },
): ChildProcess {
  const { signal, env, memoryBytes, ...rest } = options
  const { GATE_COMPANION } = process.env
  const child = spawn(...withinMemory(command, args, memoryBytes), {
    ...rest,
    env: { ...env, GATE_COMPANION },
    detached: useOwnGroups,
  })
  // Whoever waits for its end hears of it there; where nobody does, it is no reason for the companion to end.
  child.on('error', () => {})
  // Out of descriptors, Node leaves its streams out, and no 'close' ever comes.
  if ((child as { stdio?: unknown }).stdio === undefined) throw new Error(`${command} could not be started`)
  const end = () => killGroup(child)
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  child.once('close', () => signal.removeEventListener('abort', end))
  return child
}

/**
 * Runs a process to its end and keeps what it prints. It rejects when the process cannot be started, prints
 * more than `maxOutput`, or when `signal` aborts (with the signal's reason).
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<ProcessResult> {
  const { cwd, env, signal, input, maxOutput = 64 << 20, onStderr, onStart, onFd3 } = options
  signal.throwIfAborted()
  const stdio = Array(onFd3 ? 4 : 3).fill('pipe')
  const child = spawnGroup(command, args, { cwd, env: { ...env }, signal, stdio })
  if (child.pid !== undefined) onStart?.(child.pid)
  const channel = child.stdio[3]
  if (channel) {
    channel.on('error', () => {})
    // Read on, whoever listens: the process counts as ended only when all its streams are.
    onFd3?.((channel as Duplex).resume())
  }
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let size = 0
    let overflow = false
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxOutput) {
        overflow = true
        killGroup(child)
      } else stdout.push(chunk)
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      onStderr?.(chunk)
      if (stderr.length < 256) stderr.push(chunk)
    })
    // A child that ends without reading its input is judged by its exit.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
    // What it started may hold its streams open, as ssh's shared connections do: they count for so long only.
    child.once('exit', () => {
      const last = setTimeout(
        () => {
          child.stdout?.destroy()
          child.stderr?.destroy()
        },
        signal.aborted ? 0 : LAST_OUTPUT_MS,
      )
      child.once('close', () => clearTimeout(last))
    })
    child.once('error', reject)
    child.once('close', (code, killedBy) => {
      if (signal.aborted) return reject(signal.reason)
      if (overflow) return reject(new Error(`${command} printed more than ${maxOutput} bytes`))
      if (code === NO_COMMAND) return reject(new Error(`${command} could not be started`))
      resolve({
        code,
        signal: killedBy,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString('utf8'),
      })
    })
  })
}

/** When a process started, as Linux counts it (proc_pid_stat(5), field 22); empty elsewhere or when it is gone. */
export function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
