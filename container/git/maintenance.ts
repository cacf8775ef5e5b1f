import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from './git.ts'

/** Every push and refresh leaves a pack; from this many on, git looks through too many for each object. */
const MANY_PACKS = 30

/** How long one maintenance may take, in milliseconds; what it has not done is done after a later session. */
const LIMIT_MS = 10 * 60_000

/**
 * Joins small packs into larger ones, so that no pack is rewritten often (git-repack(1), --geometric), and keeps the
 * commit-graph: a commit dated long before its parents makes git walk all that lies between, seven times as fast with
 * it. Sessions may go on meanwhile: git looks again when a pack that it knew is gone. False: it was cut short, and may
 * have left something behind.
 */
export async function maintain(git: Git): Promise<boolean> {
  const names = await readdir(join(git.dir, 'objects', 'pack')).catch(() => [])
  const packs = names.filter(name => name.endsWith('.pack')).length
  const isDue = packs >= MANY_PACKS
  if (packs === 0 || (!isDue && (await hasGraph(git)))) return true
  const signal = AbortSignal.timeout(LIMIT_MS)
  const steps = [
    ...(isDue
      ? [
          ['repack', '-d', '--quiet', '--geometric=2'],
          ['pack-refs', '--all'],
        ]
      : []),
    ['commit-graph', 'write', '--reachable', '--split', '--no-progress'],
  ]
  let isWhole = true
  for (const step of steps) isWhole = (await git.run(step, { signal })).code === 0 && isWhole
  return isWhole
}

const hasGraph = (git: Git) =>
  access(join(git.dir, 'objects', 'info', 'commit-graphs', 'commit-graph-chain')).then(
    () => true,
    () => false,
  )
