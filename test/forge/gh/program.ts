import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

export const GH_PROGRAM = path.join(import.meta.dirname, '../../../.cache/gh/gh')

/** Returns GitHub's own client, as `npm run build:gh` builds it, or that on PATH; undefined where there is none. */
export function findGh(): string | undefined {
  if (fs.existsSync(GH_PROGRAM)) return GH_PROGRAM
  try {
    return execFileSync('sh', ['-c', 'command -v gh'], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

export interface GhRan {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs gh in a folder, with nothing of this machine's own environment but PATH. */
export function runGh(
  program: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<GhRan> {
  const child = spawn(program, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: cwd, GH_CONFIG_DIR: path.join(cwd, '.gh'), NO_COLOR: '1', ...env },
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
