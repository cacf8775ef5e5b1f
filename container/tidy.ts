import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Removes what killed git processes leave: quarantines, half-written packs, locks. Nobody works in the mirror. */
export async function tidy(dir: string): Promise<void> {
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
}
