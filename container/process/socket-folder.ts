import { mkdtemp, readlink, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

const PREFIX = 'gate-sockets-'

/**
 * Creates a folder for sockets with a short path, since the path of a Unix socket is limited to 108 bytes. A
 * link in `home` points to it, so the next companion removes the folder of a killed companion.
 */
export async function openSocketFolder(home: string): Promise<string> {
  const link = join(home, 'sockets')
  const last = await readlink(link).catch(() => undefined)
  if (last && dirname(last) === tmpdir() && basename(last).startsWith(PREFIX))
    await rm(last, { recursive: true, force: true })
  const folder = await mkdtemp(join(tmpdir(), PREFIX))
  await rm(`${link}.new`, { force: true })
  await symlink(folder, `${link}.new`)
  await rename(`${link}.new`, link)
  return folder
}
