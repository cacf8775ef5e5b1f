import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { projectRoot } from '../../local/worker/bundle.ts'

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command as a shell does. */
export async function gitGate(
  args: readonly string[],
  options: { env: Record<string, string>; cwd?: string; input?: string },
): Promise<CommandResult> {
  const child = spawn(`${projectRoot}/cli/git-gate`, args, {
    cwd: options.cwd ?? '/',
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...options.env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', chunk => {
    stderr += chunk
  })
  child.stdin.end(options.input)
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}
