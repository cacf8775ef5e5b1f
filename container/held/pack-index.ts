import { randomUUID } from 'node:crypto'
import { access, rename, rm } from 'node:fs/promises'
import type { Git } from '../git/git.ts'

/**
 * Writes the index of a pack, without which git does not read it, unless it has one: the store outside of the companion
 * keeps packs alone. Rejects if the pack is none, or when the signal aborts.
 */
export async function ensureIndex(git: Git, pack: string, signal: AbortSignal): Promise<void> {
  const index = pack.replace(/\.pack$/, '.idx')
  const isThere = await access(index).then(
    () => true,
    () => false,
  )
  if (isThere) return
  // git writes into the named file, and two requests may write at the same time.
  const unfinished = `${index}.${randomUUID()}`
  try {
    await git.text(['-c', 'pack.writeReverseIndex=false', 'index-pack', '-o', unfinished, pack], { signal })
    await rename(unfinished, index)
  } finally {
    await rm(unfinished, { force: true })
  }
}
