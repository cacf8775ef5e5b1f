import { access, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from './git.ts'

/** Every push and refresh leaves a pack. From this many packs on, object lookups in git are slow. */
const PACKS_THRESHOLD = 30

/** The interval between prunes of unreachable objects, in milliseconds. A prune rewrites all packs. */
const PRUNE_EVERY_MS = 24 * 60 * 60_000

/** The file whose modification time is the time of the mirror's last prune, or of its creation. */
export const PRUNED = 'gate-pruned'

/**
 * Keeps unreachable objects in a cruft pack for two days after they were written (git-repack(1), --cruft): a
 * push that has begun may still refer to them.
 */
const PRUNE = ['repack', '-d', '--quiet', '--cruft', '--cruft-expiration=2.days.ago']

/** The timeout of one maintenance run, in milliseconds. The next session's maintenance does the rest. */
const LIMIT_MS = 10 * 60_000

/**
 * Joins small packs into larger packs so that no pack is rewritten often (git-repack(1), --geometric), and
 * updates the commit-graph. With a commit-graph, git walks seven times as fast past a commit that is dated
 * long before its parents. Once a day it prunes unreachable objects, such as the commits of deleted branches.
 *
 * Sessions may run meanwhile: git looks for an object again when its pack is gone. Returns false when git
 * failed or hit the timeout and may have left temporary files.
 */
export async function maintain(git: Git): Promise<boolean> {
  const names = await readdir(join(git.dir, 'objects', 'pack')).catch(() => [])
  const packs = names.filter(name => name.endsWith('.pack')).length
  if (packs === 0) return true
  const prunes = await isPruneDue(git)
  const isDue = prunes || packs >= PACKS_THRESHOLD
  if (!isDue && (await hasGraph(git))) return true
  const signal = AbortSignal.timeout(LIMIT_MS)
  const repack = prunes ? PRUNE : ['repack', '-d', '--quiet', '--geometric=2']
  const steps = [
    ...(isDue ? [repack, ['pack-refs', '--all']] : []),
    // The commit-graph must not list pruned commits.
    ['commit-graph', 'write', '--reachable', prunes ? '--split=replace' : '--split', '--no-progress'],
  ]
  let isWhole = true
  for (const step of steps) isWhole = (await git.run(step, { signal })).code === 0 && isWhole
  return isWhole
}

/**
 * Returns whether a prune is due, and starts the next interval at once: a prune that fails is not retried at
 * each session.
 */
async function isPruneDue(git: Git): Promise<boolean> {
  const mark = join(git.dir, PRUNED)
  const stats = await stat(mark).catch(() => undefined)
  const isDue = stats !== undefined && Date.now() - stats.mtimeMs > PRUNE_EVERY_MS
  if (!stats || isDue) await writeFile(mark, '')
  return isDue
}

const hasGraph = (git: Git) =>
  access(join(git.dir, 'objects', 'info', 'commit-graphs', 'commit-graph-chain')).then(
    () => true,
    () => false,
  )
