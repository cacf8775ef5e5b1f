import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from './git.ts'

/** Every push and refresh leaves a pack; from this many on, git looks through too many for each object. */
const MANY_PACKS = 30

/** How long one maintenance may take, in milliseconds; what it has not done is done after a later session. */
const LIMIT_MS = 10 * 60_000

/**
 * Joins small packs into larger ones, so that no pack is rewritten often (git-repack(1), --geometric). Sessions may
 * go on meanwhile: git looks again when a pack that it knew is gone.
 */
export async function maintain(git: Git): Promise<void> {
  const names = await readdir(join(git.dir, 'objects', 'pack')).catch(() => [])
  if (names.filter(name => name.endsWith('.pack')).length < MANY_PACKS) return
  const signal = AbortSignal.timeout(LIMIT_MS)
  await git.run(['repack', '-d', '--quiet', '--geometric=2'], { signal })
  await git.run(['pack-refs', '--all'], { signal })
}
