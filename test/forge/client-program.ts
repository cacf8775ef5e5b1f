import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'

/** Returns a host's own client: as it was built at `built`, or that on PATH; undefined where there is none. */
export function findProgram(name: string, built?: string): string | undefined {
  if (built !== undefined && fs.existsSync(built)) return built
  try {
    return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

export interface ProgramRan {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program in a folder, with nothing of this machine's own environment but PATH. */
export function runProgram(
  program: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<ProgramRan> {
  const child = spawn(program, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: cwd, NO_COLOR: '1', ...env },
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', chunk => {
      output[name] += String(chunk)
    })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ code, ...output }))
  })
}
