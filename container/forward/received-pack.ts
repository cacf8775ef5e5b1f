import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Command, isDelete } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import { emptyPack } from '../git/objects/empty-pack.ts'

/** Opens the pack that a push sends to upstream. */
export type OpenPack = () => Readable

/**
 * Returns the pack that git has received from the client, to be sent to upstream as it is. The pushed
 * refs introduce its objects, or the mirror has them: the file rules refuse any other (new-objects.ts). Undefined:
 * git has to make the pack, because the quarantine holds something else than one pack.
 */
export async function receivedPack(git: Git, commands: readonly Command[]): Promise<OpenPack | undefined> {
  if (commands.every(isDelete)) return () => Readable.from([])
  const quarantine = git.env.GIT_OBJECT_DIRECTORY
  if (!quarantine) return undefined
  const folders = await readdir(quarantine)
  if (folders.some(name => name !== 'pack' && name !== 'info')) return undefined
  const files = folders.includes('pack') ? await readdir(join(quarantine, 'pack')) : []
  const packs = files.filter(name => name.endsWith('.pack'))
  if (packs.length > 1) return undefined
  const [pack] = packs
  // If upstream has every pushed object, the client's pack is empty and git stores no file. The gate then sends an
  // empty pack.
  return pack === undefined
    ? () => Readable.from([emptyPack('sha1')])
    : () => createReadStream(join(quarantine, 'pack', pack))
}
