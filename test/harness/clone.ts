import fs from 'node:fs'
import path from 'node:path'
import { type GitOptions, git, gitText, type RunningGit } from './git.ts'

export type Files = Readonly<Record<string, string | Buffer>>

/** A work tree of an agent. */
export interface Clone {
  readonly dir: string
  git(args: readonly string[], options?: GitOptions): RunningGit
  /** Git that must succeed; its stdout, trimmed. */
  text(args: readonly string[]): Promise<string>
  write(files: Files): void
  /** Commits these files on the branch that is checked out; answers with the commit's id. */
  commit(message: string, files?: Files): Promise<string>
  /** `git push --progress origin …`: refspecs and options, such as `HEAD:refs/heads/ada/x`. */
  push(...refs: string[]): RunningGit
}

/** The work tree in a folder, with the environment that its git commands get. */
export function cloneIn(dir: string, env: Readonly<Record<string, string>> = {}): Clone {
  const here = { cwd: dir, env }
  const write = (files: Files) => {
    for (const [name, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
      fs.writeFileSync(path.join(dir, name), content)
    }
  }
  return {
    dir,
    git: (args, options) => git(args, { ...here, ...options }),
    text: args => gitText(args, here),
    write,
    async commit(message, files = {}) {
      write(files)
      await gitText(['add', '--all', '--force'], here)
      await gitText(['commit', '-q', '--allow-empty', '-m', message], here)
      return gitText(['rev-parse', 'HEAD'], here)
    },
    push: (...refs) => git(['push', '--progress', 'origin', ...refs], here),
  }
}
