import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from './git.ts'

/** The timeout for git to list a mirror's refs, in milliseconds. */
const LIST_TIMEOUT_MS = 60_000

/**
 * Removes the files of killed git processes: quarantines, partial packs and locks. Removes the whole mirror
 * when git cannot read it; the next refresh creates it again. The caller makes sure that no process uses the
 * mirror.
 */
export async function removeStaleFiles(git: Git): Promise<void> {
  const { dir } = git
  const remove = (path: string) => rm(path, { recursive: true, force: true })
  const list = (path: string, recursive = false) => readdir(path, { recursive }).catch(() => [])
  for (const name of await list(join(dir, 'objects')))
    if (/^(tmp_objdir-|incoming-)|^tmp_obj_/.test(name)) await remove(join(dir, 'objects', name))
  for (const name of await list(join(dir, 'objects', 'pack')))
    if (/^(tmp_|\.tmp-)/.test(name)) await remove(join(dir, 'objects', 'pack', name))
  for (const name of await list(dir)) if (name.endsWith('.lock')) await remove(join(dir, name))
  for (const folder of ['refs', 'objects/info'])
    for (const name of await list(join(dir, folder), true))
      if (name.endsWith('.lock')) await remove(join(dir, folder, name))
  if (await isBroken(git)) await remove(dir)
}

/**
 * Returns whether git can read the mirror's refs. Git does not fsync refs by default (core.fsync in
 * git-config(1)): after a power failure a ref file may be empty, and then every fetch and check fails.
 */
async function isBroken(git: Git): Promise<boolean> {
  const looked = await git
    .run(['for-each-ref', '--format=%(objecttype)'], { signal: AbortSignal.timeout(LIST_TIMEOUT_MS) })
    // A failure to start git, for example for lack of memory, does not mean that the mirror is broken.
    .catch(() => undefined)
  return looked !== undefined && (looked.code === 128 || looked.stderr.includes('broken ref'))
}
