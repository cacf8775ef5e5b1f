import fs from 'node:fs'
import path from 'node:path'

/** Where a program is, also in the folders that only root has on its PATH. */
export function onPath(name: string): string | undefined {
  return [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin']
    .filter(Boolean)
    .map(folder => path.join(folder, name))
    .find(file => fs.existsSync(file))
}
