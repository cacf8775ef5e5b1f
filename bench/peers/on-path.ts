import fs from 'node:fs'
import path from 'node:path'

/** Finds a program on PATH, or in the sbin folders, which only root has on PATH. */
export function onPath(name: string): string | undefined {
  return [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin']
    .filter(Boolean)
    .map(folder => path.join(folder, name))
    .find(file => fs.existsSync(file))
}
