import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { CliError } from '../errors.ts'

/** Reads a file that the operator named; `-` is stdin. Throws a CliError. */
export function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw new CliError(missing ? `there is no file ${file}` : `${file} cannot be read`)
  }
}

/**
 * Reads a file that `file` names, in the same folder or below. Throws a CliError for any other path, because
 * `file` may come from a repository that others write to, and the gate's responses and errors could reveal
 * the text of any file that it names.
 */
export function readTextBeside(file: string, name: string): string {
  const folder = realpathSync(file === '-' ? '.' : dirname(file))
  const refuse = (reason: string) => {
    throw new CliError(
      `${file} names ${name}: ${reason}`,
      `Copy that file to ${folder}, and name it by its path from there`,
    )
  }
  if (isAbsolute(name) || name.split('/').includes('..'))
    refuse('apply reads only files beside its file or below; use a relative path without ..')
  const wanted = resolve(folder, name)
  const found = realPath(wanted)
  if (found === undefined) throw new CliError(`there is no file ${wanted}`)
  const inside = relative(folder, found)
  if (inside === '..' || inside.startsWith(`..${sep}`)) refuse('it is a link to a file outside the folder')
  if (!statSync(found).isFile()) refuse('it is not a regular file')
  return readText(found)
}

function realPath(file: string): string | undefined {
  try {
    return realpathSync(file)
  } catch {
    return undefined
  }
}
