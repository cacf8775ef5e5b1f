import type { ChildProcess } from 'node:child_process'
import { type ProcessResult, type RunOptions, run, spawnGroup } from '../process/spawn.ts'

type GitOptions = Partial<Omit<RunOptions, 'cwd' | 'signal'>> & { signal: AbortSignal }

/** Git on one bare repository. Its environment contains only the gate's variables. */
export interface Git {
  readonly dir: string
  /** Returns the same git with additional environment variables. */
  withEnv(env: Readonly<Record<string, string>>): Git
  /** The full environment of its processes, for a process that is started elsewhere. */
  readonly env: Readonly<Record<string, string>>
  /** Runs git to its end. Resolves with any exit code. */
  run(args: readonly string[], options: GitOptions): Promise<ProcessResult>
  /** Runs git and returns its stdout. Rejects with GitError on a non-zero exit code. */
  text(args: readonly string[], options: GitOptions): Promise<string>
  /**
   * Starts a process whose streams the caller owns. Its process group is killed when the signal aborts. Past
   * `memoryBytes` its allocations fail (memory-limit.ts).
   */
  spawn(
    args: readonly string[],
    options: {
      signal: AbortSignal
      env?: Readonly<Record<string, string>>
      memoryBytes?: number | undefined
    },
  ): ChildProcess
}

export class GitError extends Error {
  readonly code: number | null
  readonly stderr: string
  constructor(args: readonly string[], ended: ProcessResult) {
    super(`git ${args[0]} ended with ${ended.signal ?? ended.code}: ${ended.stderr.trim()}`)
    this.code = ended.code
    this.stderr = ended.stderr
  }
}

/**
 * Returns the environment of every git process. User and system configuration is off; git reads the gate's
 * file only (git(1)).
 */
export function gitEnvironment(home: string, configFile: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: home,
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: configFile,
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ADVICE: '0',
  }
}

export function createGit(dir: string, env: Readonly<Record<string, string>>): Git {
  const whole = { ...env, GIT_DIR: dir }
  const runGit: Git['run'] = (args, options) =>
    run('git', args, { ...options, cwd: dir, env: { ...whole, ...options.env } })
  return {
    dir,
    env: whole,
    withEnv: more => createGit(dir, { ...env, ...more }),
    run: runGit,
    async text(args, options) {
      const ended = await runGit(args, options)
      if (ended.code !== 0) throw new GitError(args, ended)
      return ended.stdout.toString('utf8')
    },
    spawn(args, { signal, env: more, memoryBytes }) {
      return spawnGroup('git', args, {
        cwd: dir,
        env: { ...whole, ...more },
        signal,
        stdio: 'pipe',
        memoryBytes,
      })
    },
  }
}
