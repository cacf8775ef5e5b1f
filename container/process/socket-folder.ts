import { readlinkSync } from 'node:fs'
import { lstat, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { isAlive } from './orphans.ts'
import { startTimeOf } from './spawn.ts'

const PREFIX = 'gate-sockets-'
/** The file in the folder that names the companion: process id, start time and PID namespace. */
const OWNER = 'owner'

/**
 * Creates a folder for sockets with a short path, since the path of a Unix socket is limited to 108 bytes. A
 * link in `home` points to it, so the next companion removes the folder of a killed companion. Folders of killed
 * companions whose `home` is gone are removed too.
 */
export async function openSocketFolder(home: string): Promise<string> {
  const link = join(home, 'sockets')
  const last = await readlink(link).catch(() => undefined)
  if (last && dirname(last) === tmpdir() && basename(last).startsWith(PREFIX)) await remove(last)
  await removeAbandoned()
  const folder = await mkdtemp(join(tmpdir(), PREFIX))
  await writeFile(join(folder, OWNER), `${process.pid} ${startTimeOf(process.pid)} ${pidNamespace()}`)
  await rm(`${link}.new`, { force: true })
  await symlink(folder, `${link}.new`)
  await rename(`${link}.new`, link)
  return folder
}

/** Removes this user's socket folders of companions that run no more. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const folder = join(tmpdir(), name)
    if (name.startsWith(PREFIX) && (await isAbandoned(folder))) await remove(folder)
  }
}

async function isAbandoned(folder: string): Promise<boolean> {
  const stats = await lstat(folder).catch(() => undefined)
  if (!stats?.isDirectory() || stats.uid !== process.getuid?.()) return false
  const owner = await readFile(join(folder, OWNER), 'utf8').catch(() => '')
  const [, pid, startedAt, namespace] = /^(\d+) (\d+) (.+)$/.exec(owner) ?? []
  // A process of another PID namespace, such as a container's, cannot be seen from here.
  return pid && startedAt && namespace === pidNamespace() ? !isAlive({ pid: Number(pid), startedAt }) : false
}

/** Empty on systems without /proc. */
function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

const remove = (folder: string) => rm(folder, { recursive: true, force: true })
