import type { Git } from '../git.ts'
import { lines } from './lines.ts'

/** The commits that these tips reach and no ref of the mirror does, with their parents, parents first. */
export async function newCommits(
  git: Git,
  tips: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const commits = new Map<string, string[]>()
  await lines(
    git,
    ['rev-list', '--parents', '--stdin', '--not', '--all'],
    { signal, end: 10, input: `${tips.join('\n')}\n` },
    line => {
      const [id, ...parents] = line.toString('latin1').split(' ')
      if (id) commits.set(id, parents)
    },
  )
  return parentsFirst(commits)
}

/**
 * The same commits, each after its parents. Git's own --topo-order, given a commit-graph, walks down to the oldest of
 * all refs for it, however little is new.
 */
function parentsFirst(commits: ReadonlyMap<string, readonly string[]>): Map<string, readonly string[]> {
  const ordered = new Map<string, readonly string[]>()
  for (const tip of [...commits.keys()].reverse()) {
    const path = [tip]
    for (let id = path.at(-1); id !== undefined; id = path.at(-1)) {
      const parents = commits.get(id) ?? []
      const waiting = ordered.has(id)
        ? []
        : parents.filter(parent => commits.has(parent) && !ordered.has(parent))
      if (waiting.length === 0) {
        path.pop()
        ordered.set(id, parents)
      } else path.push(...waiting)
    }
  }
  return ordered
}
