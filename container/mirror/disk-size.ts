import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Returns a mirror's size on disk in bytes, or undefined when it does not exist. Pushes and fetches arrive as
 * packs, and maintenance keeps their number low, so the packs and the refs are the size.
 */
export async function mirrorSize(dir: string): Promise<number | undefined> {
  const folder = join(dir, 'objects', 'pack')
  const names = await readdir(folder).catch(() => [])
  const files = [...names.map(name => join(folder, name)), join(dir, 'packed-refs'), join(dir, 'HEAD')]
  // A pack may be deleted before stat.
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
