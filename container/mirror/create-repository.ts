import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createGit, type Git } from '../git/git.ts'
import type { ObjectFormat } from '../git/objects/object-format.ts'

const DEADLINE_MS = 10_000

/** Creates a mirror's bare repository atomically, by rename. Replaces the repository that is there. */
export async function createRepository(git: Git, objectFormat: ObjectFormat): Promise<void> {
  const fresh = `${git.dir}.${randomUUID()}`
  await mkdir(dirname(git.dir), { recursive: true, mode: 0o700 })
  try {
    await mkdir(fresh)
    const args = ['init', '--quiet', '--bare', '--template=', `--object-format=${objectFormat}`]
    await createGit(fresh, git.env).text(args, { signal: AbortSignal.timeout(DEADLINE_MS) })
    await rm(git.dir, { recursive: true, force: true })
    await rename(fresh, git.dir)
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    throw error
  }
}

/** Reads the object format of a mirror. */
export async function readObjectFormat(git: Git): Promise<ObjectFormat> {
  const args = ['rev-parse', '--show-object-format']
  const format = (await git.text(args, { signal: AbortSignal.timeout(DEADLINE_MS) })).trim()
  if (format !== 'sha1' && format !== 'sha256') throw new Error(`a mirror has the object format ${format}`)
  return format
}
