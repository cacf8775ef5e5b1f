import fs from 'node:fs'
import path from 'node:path'
import { type GitOptions, git, gitText, type RunningGit } from './git.ts'

export type Files = Readonly<Record<string, string | Buffer>>

/** An agent's work tree. */
export interface Clone {
  readonly dir: string
  git(args: readonly string[], options?: GitOptions): RunningGit
  /** Runs git, which must succeed. Returns its trimmed stdout. */
  text(args: readonly string[]): Promise<string>
  write(files: Files): void
  /** Commits these files on the checked-out branch. Returns the commit's id. */
  commit(message: string, files?: Files): Promise<string>
  /** Runs `git push --progress origin …` with refspecs and options, such as `HEAD:refs/heads/ada/x`. */
  push(...refs: string[]): RunningGit
}

/**
 * The arguments with which git commits all files and prints the commit's id. A process that a test starts costs 5 ms
 * or more, so this is a single command.
 */
export const commitAll = (message: string, add: '--all' | '--all --force' = '--all'): readonly string[] => {
  const script = `f() { git add ${add} && git commit -q --allow-empty -m "$1" && git rev-parse HEAD; }; f`
  return ['-c', `alias.commit-all=!${script}`, 'commit-all', message]
}

/** Returns the work tree in a folder. Its git commands get the environment `env`. */
export function cloneIn(dir: string, env: Readonly<Record<string, string>> = {}): Clone {
  const inFolder = { cwd: dir, env }
  const write = (files: Files) => {
    for (const [name, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
      fs.writeFileSync(path.join(dir, name), content)
    }
  }
  return {
    dir,
    git: (args, options) => git(args, { ...inFolder, ...options }),
    text: args => gitText(args, inFolder),
    write,
    async commit(message, files = {}) {
      write(files)
      return gitText(commitAll(message, '--all --force'), inFolder)
    },
    push: (...refs) => git(['push', '--progress', 'origin', ...refs], inFolder),
  }
}
