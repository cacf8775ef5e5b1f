import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * What a mirror takes of the disk, in bytes; undefined where there is none. Every push and every fetch comes as a pack,
 * and maintenance keeps those few: the packs are all of it, but for its refs.
 */
export async function mirrorSize(dir: string): Promise<number | undefined> {
  const folder = join(dir, 'objects', 'pack')
  const names = await readdir(folder).catch(() => [])
  const files = [...names.map(name => join(folder, name)), join(dir, 'packed-refs'), join(dir, 'HEAD')]
  // A pack may go while it is looked at.
  const sizes = await Promise.all(
    files.map(file =>
      stat(file).then(
        ({ size }) => size,
        () => undefined,
      ),
    ),
  )
  return sizes.at(-1) === undefined ? undefined : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
}
