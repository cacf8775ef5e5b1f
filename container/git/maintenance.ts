import { access, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from './git.ts'

/** Every push and refresh leaves a pack; from this many on, git looks through too many for each object. */
const MANY_PACKS = 30

/** What no ref reaches is pruned so often, in milliseconds: that writes all packs anew. */
const PRUNE_EVERY_MS = 24 * 60 * 60_000

/** Its modification time is when a mirror was last pruned, or made. */
export const PRUNED = 'gate-pruned'

/**
 * A pack of what no ref reaches keeps each object for two days after it was written (git-repack(1), --cruft): pushes
 * that have begun may still name it.
 */
const PRUNE = ['repack', '-d', '--quiet', '--cruft', '--cruft-expiration=2.days.ago']

/** How long one maintenance may take, in milliseconds; what it has not done is done after a later session. */
const LIMIT_MS = 10 * 60_000

/**
 * Joins small packs into larger ones, so that no pack is rewritten often (git-repack(1), --geometric), and keeps the
 * commit-graph: a commit dated long before its parents makes git walk all that lies between, seven times as fast with
 * it. Once a day it drops what no ref reaches, such as the commits of branches that are gone. Sessions may go on
 * meanwhile: git looks again when a pack that it knew is gone. False: it was cut short, and may have left something
 * behind.
 */
export async function maintain(git: Git): Promise<boolean> {
  const names = await readdir(join(git.dir, 'objects', 'pack')).catch(() => [])
  const packs = names.filter(name => name.endsWith('.pack')).length
  if (packs === 0) return true
  const prunes = await isPruneDue(git)
  const isDue = prunes || packs >= MANY_PACKS
  if (!isDue && (await hasGraph(git))) return true
  const signal = AbortSignal.timeout(LIMIT_MS)
  const repack = prunes ? PRUNE : ['repack', '-d', '--quiet', '--geometric=2']
  const steps = [
    ...(isDue ? [repack, ['pack-refs', '--all']] : []),
    // A graph must not name commits that are gone.
    ['commit-graph', 'write', '--reachable', prunes ? '--split=replace' : '--split', '--no-progress'],
  ]
  let isWhole = true
  for (const step of steps) isWhole = (await git.run(step, { signal })).code === 0 && isWhole
  return isWhole
}

/** Begins the time anew when it is over, whatever comes of the pruning: one that fails is not tried at each session. */
async function isPruneDue(git: Git): Promise<boolean> {
  const mark = join(git.dir, PRUNED)
  const at = await stat(mark).catch(() => undefined)
  const isDue = at !== undefined && Date.now() - at.mtimeMs > PRUNE_EVERY_MS
  if (!at || isDue) await writeFile(mark, '')
  return isDue
}

const hasGraph = (git: Git) =>
  access(join(git.dir, 'objects', 'info', 'commit-graphs', 'commit-graph-chain')).then(
    () => true,
    () => false,
  )
