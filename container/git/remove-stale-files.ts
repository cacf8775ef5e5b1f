import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from './git.ts'

/** How long git may look through a mirror's refs, in milliseconds. */
const LOOK_MS = 60_000

/**
 * Removes what killed git processes leave: quarantines, half-written packs, locks; and the mirror itself where git
 * cannot read it: it is made anew. Nobody works in the mirror.
 */
export async function removeStaleFiles(git: Git): Promise<void> {
  const { dir } = git
  const drop = (path: string) => rm(path, { recursive: true, force: true })
  const list = (path: string, recursive = false) => readdir(path, { recursive }).catch(() => [])
  for (const name of await list(join(dir, 'objects')))
    if (/^(tmp_objdir-|incoming-)|^tmp_obj_/.test(name)) await drop(join(dir, 'objects', name))
  for (const name of await list(join(dir, 'objects', 'pack')))
    if (/^(tmp_|\.tmp-)/.test(name)) await drop(join(dir, 'objects', 'pack', name))
  for (const name of await list(dir)) if (name.endsWith('.lock')) await drop(join(dir, name))
  for (const folder of ['refs', 'objects/info'])
    for (const name of await list(join(dir, folder), true))
      if (name.endsWith('.lock')) await drop(join(dir, folder, name))
  if (await isBroken(git)) await drop(dir)
}

/**
 * Git does not sync refs unasked (core.fsync in git-config(1)): after a power cut one may be there without its content,
 * and then every fetch and every check fails on it.
 */
async function isBroken(git: Git): Promise<boolean> {
  const looked = await git
    .run(['for-each-ref', '--format=%(objecttype)'], { signal: AbortSignal.timeout(LOOK_MS) })
    // It could not be looked at, for want of memory for example: that is not the mirror's fault.
    .catch(() => undefined)
  return looked !== undefined && (looked.code === 128 || looked.stderr.includes('broken ref'))
}
