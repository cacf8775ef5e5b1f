import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { NO_COMMAND, withinMemory } from './memory-limit.ts'

/** The exit and the output of a process. */
export interface ProcessResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** The memory limit, by default the limit of all children. */
  readonly memoryBytes?: number | undefined
  /** Kills the process group when it aborts. */
  readonly signal: AbortSignal
  readonly input?: string | Buffer
  /** The limit of stdout in bytes (64 MiB). The process is killed past it. */
  readonly maxOutput?: number
  /** True: the exit code is that of another command, as ssh's is, and 127 does not mean that this one is missing. */
  readonly relaysExitCode?: boolean
  readonly onStderr?: (chunk: Buffer) => void
  /** Receives the process group's id after the start. */
  readonly onStart?: (pid: number) => void
  /**
   * Receives the socket that is the child's file descriptor 3. Without this callback the child has no
   * descriptor 3.
   */
  readonly onFd3?: (socket: Duplex) => void
  /** The same for descriptor 4. */
  readonly onFd4?: (socket: Duplex) => void
}

/** The time to read the remaining output after a process has exited, in milliseconds. */
const LAST_OUTPUT_MS = 2_000

/** True: each child gets its own process group. */
let useOwnGroups = true

/**
 * From now on, children of this process stay in its process group. Its parent then kills them together with
 * this process, even when this process was killed before it could report them.
 */
export function inheritGroup(): void {
  useOwnGroups = false
}

/**
 * Sends a signal to a child's process group, or to the child when it has no own group. Ignores a group that
 * has exited.
 */
export function killGroup(child: Pick<ChildProcess, 'pid'>, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (child.pid === undefined) return
  try {
    process.kill(useOwnGroups ? -child.pid : child.pid, signal)
  } catch {
    // ESRCH: the group has exited.
  }
}

/** Kills a child's process group. Another process may have its streams, such as ssh's master, and keep them open. */
export function killWithStreams(child: ChildProcess): void {
  killGroup(child)
  for (const stream of child.stdio) stream?.destroy()
}

/**
 * Starts a child in its own process group, which is killed when the signal aborts. The child gets the given
 * environment, and the mark by which the next companion finds it (orphans.ts). `memoryBytes` limits each of
 * its processes (memory-limit.ts), by default to the limit of all children; infinity: no limit.
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
  // Callers that wait for the exit get this error there. Without a listener it would end the companion.
  child.on('error', () => {})
  // When file descriptors run out, Node creates no streams and never emits 'close'.
  if ((child as { stdio?: unknown }).stdio === undefined) throw new Error(`${command} could not be started`)
  const end = () => killGroup(child)
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  child.once('close', () => signal.removeEventListener('abort', end))
  return child
}

/**
 * Runs a process to its end and keeps its output. Rejects when the process cannot start, when it prints more
 * than `maxOutput` bytes, or when `signal` aborts (with the signal's reason).
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<ProcessResult> {
  const { cwd, env, signal, memoryBytes, onStart, onFd3, onFd4 } = options
  signal.throwIfAborted()
  const channels = [onFd3, onFd4]
  const stdio = ['pipe', 'pipe', 'pipe', ...channels.map(on => (on ? 'pipe' : 'ignore'))] as const
  const child = spawnGroup(command, args, { cwd, env: { ...env }, signal, memoryBytes, stdio: [...stdio] })
  if (child.pid !== undefined) onStart?.(child.pid)
  for (const [index, onChannel] of channels.entries()) {
    const channel = child.stdio[3 + index]
    channel?.on('error', () => {})
    // Node emits 'close' only after all streams have ended, so the socket is read even without a listener.
    if (channel) onChannel?.((channel as Duplex).resume())
  }
  return collect(child, command, options)
}

/** Writes a child's input, and resolves with its exit and its output. */
function collect(
  child: ChildProcess,
  command: string,
  { signal, input, maxOutput = 64 << 20, relaysExitCode = false, onStderr }: RunOptions,
): Promise<ProcessResult> {
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
    // A child may exit before it has read its stdin. Its exit code reports the failure.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
    child.once('exit', () => closeOutput(child, signal.aborted ? 0 : LAST_OUTPUT_MS))
    child.once('error', reject)
    child.once('close', (code, killedBy) => {
      if (signal.aborted) return reject(signal.reason)
      if (overflow) return reject(new Error(`${command} printed more than ${maxOutput} bytes`))
      if (code === NO_COMMAND && !relaysExitCode) return reject(new Error(`${command} could not be started`))
      resolve({
        code,
        signal: killedBy,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString('utf8'),
      })
    })
  })
}

/**
 * Closes the output of a child that has exited, if it is still open after `waitMs`: the child's own children may keep it
 * open, as ssh's shared connections do.
 */
function closeOutput(child: ChildProcess, waitMs: number): void {
  const timer = setTimeout(() => {
    child.stdout?.destroy()
    child.stderr?.destroy()
  }, waitMs)
  child.once('close', () => clearTimeout(timer))
}

/**
 * Returns a process's start time as Linux counts it (proc_pid_stat(5), field 22). Empty without /proc, or
 * when the process is gone.
 */
export function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
