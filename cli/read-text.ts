import { readFileSync } from 'node:fs'
import { CliError } from './errors.ts'

/** The text of a file the operator named; `-` is stdin. */
export function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw new CliError(missing ? `there is no file ${file}` : `${file} cannot be read`)
  }
}
