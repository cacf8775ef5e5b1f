import type { ChildProcess } from 'node:child_process'
import { type ProcessResult, type RunOptions, run, spawnGroup } from '../process/spawn.ts'

type GitOptions = Partial<Omit<RunOptions, 'cwd' | 'signal'>> & { signal: AbortSignal }

/** Git on one bare repository, with an environment that nothing outside the gate can change. */
export interface Git {
  readonly dir: string
  /** The same git with more in its environment. */
  withEnv(env: Readonly<Record<string, string>>): Git
  /** The whole environment its processes get; to start one that is not run through here. */
  readonly env: Readonly<Record<string, string>>
  /** Runs to the end, whatever the exit code. */
  run(args: readonly string[], options: GitOptions): Promise<ProcessResult>
  /** Runs and answers with stdout; a non-zero exit throws GitError. */
  text(args: readonly string[], options: GitOptions): Promise<string>
  /**
   * Starts a process whose streams the caller owns; its group ends when the signal aborts. With `memoryBytes` it ends
   * as out of memory when it wants more than that (memory-limit.ts).
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

/** The environment of every git process: no user's or system's configuration, only the gate's (git(1)). */
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
