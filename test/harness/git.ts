import { spawn } from 'node:child_process'
import os from 'node:os'
import { killGroup } from '../../container/process/spawn.ts'
import { seconds } from './units.ts'

/** The result of a git command. */
export interface Ran {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  /** The stderr of git, with the gate's `remote:` lines. */
  readonly output: string
  readonly ms: number
}

/** A git command that may still run. Awaiting it gives its result. */
export interface RunningGit extends Promise<Ran> {
  readonly pid: number
  /** Resolves when stderr matches; rejects when git ends without a match. */
  until(pattern: RegExp): Promise<void>
  /** Sends SIGSTOP to git and its children. Their sockets stay open. */
  stop(): void
  resume(): void
  kill(signal?: NodeJS.Signals): void
}

export interface GitOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Buffer
  /** The encoding of `stdout` (utf8). */
  readonly stdoutAs?: BufferEncoding
  /** The command prefix, such as a FarMachine's `enter`. */
  readonly enter?: readonly string[]
  /** The timeout, in milliseconds (60 s). */
  readonly within?: number
}

export const accepted = { code: 0 }
export const rejected = { code: 1 }

/** Runs git as an agent does: without prompts and without this machine's configuration. */
export function git(args: readonly string[], options: GitOptions = {}): RunningGit {
  const { cwd = os.tmpdir(), env = {}, input, stdoutAs = 'utf8', within = seconds(60), enter = [] } = options
  const started = Date.now()
  const settings = ['init.defaultBranch=main', 'protocol.file.allow=always', 'maintenance.auto=false']
  const [command = 'git', ...before] = [...enter, 'git']
  const child = spawn(command, [...before, ...settings.flatMap(setting => ['-c', setting]), ...args], {
    cwd,
    detached: true,
    stdio: 'pipe',
    env: {
      PATH: process.env.PATH,
      HOME: os.tmpdir(),
      LC_ALL: 'C.UTF-8',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.com',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.com',
      ...env,
    },
  })
  const signal = (name: NodeJS.Signals) => killGroup(child, name)
  const stdout: Buffer[] = []
  let output = ''
  const listeners = new Set<() => void>()
  const notify = () => {
    for (const listener of listeners) listener()
  }
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    notify()
  })
  child.stdin.on('error', () => {}).end(input)
  let hasEnded = false
  const ended = new Promise<Ran>((resolve, reject) => {
    const timer = setTimeout(() => {
      signal('SIGKILL')
      reject(new Error(`git ${args.join(' ')} still ran after ${within} ms: ${output}`))
    }, within)
    child.once('error', reject)
    child.once('close', (code, killedBy) => {
      clearTimeout(timer)
      hasEnded = true
      notify()
      resolve({
        code,
        signal: killedBy,
        stdout: Buffer.concat(stdout).toString(stdoutAs),
        output,
        ms: Date.now() - started,
      })
    })
  })
  return Object.assign(ended, {
    pid: child.pid ?? -1,
    stop: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    kill: (name: NodeJS.Signals = 'SIGKILL') => signal(name),
    until: (pattern: RegExp) =>
      new Promise<void>((resolve, reject) => {
        const check = () => {
          if (pattern.test(output)) resolve()
          else if (hasEnded) reject(new Error(`git ended without ${pattern}: ${output}`))
          else return
          listeners.delete(check)
        }
        listeners.add(check)
        check()
      }),
  })
}

/** Runs git, which must succeed. Returns its trimmed stdout. */
export async function gitText(args: readonly string[], options: GitOptions = {}): Promise<string> {
  const ran = await git(args, options)
  if (ran.code !== 0)
    throw new Error(`git ${args.join(' ')} ended with ${ran.signal ?? ran.code}: ${ran.output}`)
  return ran.stdout.trim()
}
