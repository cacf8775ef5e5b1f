import path from 'node:path'
import { findProgram, type ProgramRan, runProgram } from '../client-program.ts'

export const GH_PROGRAM = path.join(import.meta.dirname, '../../../.cache/gh/gh')

/** Returns GitHub's own client, as `npm run build:gh` builds it, or that on PATH; undefined where there is none. */
export const findGh = (): string | undefined => findProgram('gh', GH_PROGRAM)

/** Runs gh in a folder. */
export const runGh = (
  program: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<ProgramRan> =>
  runProgram(program, args, { cwd, env: { GH_CONFIG_DIR: path.join(cwd, '.gh'), ...env } })
