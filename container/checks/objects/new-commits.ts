import { type Command, isDelete } from '../../git/command-list.ts'
import type { Git } from '../../git/git.ts'
import { UPSTREAM_CONTENT } from '../../git/ref-list.ts'
import type { IncomingPush } from '../check.ts'
import { lines } from './git-lines.ts'

/** Maps each new commit to its parents, parents first. */
export type Commits = ReadonlyMap<string, readonly string[]>

const listed = new WeakMap<IncomingPush, Promise<Commits>>()

/**
 * Returns the commits that the refs of a push reach and no branch or tag of upstream reaches. All checks
 * share one walk.
 */
export function newCommits(push: IncomingPush, signal: AbortSignal): Promise<Commits> {
  const before = listed.get(push)
  if (before) return before
  const tips = push.commands.filter(command => !isDelete(command)).map(command => command.new)
  const now = list(push.git, [...new Set(tips)], upstreamContent(push.commands), signal)
  listed.set(push, now)
  return now
}

/** A push of nothing but notes continues upstream's notes, which no branch reaches. */
const upstreamContent = (commands: readonly Command[]): readonly string[] =>
  commands.every(({ ref }) => ref.startsWith('refs/notes/'))
    ? [...UPSTREAM_CONTENT, '--glob=refs/notes/*']
    : UPSTREAM_CONTENT

async function list(
  git: Git,
  tips: readonly string[],
  upstream: readonly string[],
  signal: AbortSignal,
): Promise<Commits> {
  const commits = new Map<string, string[]>()
  await lines(
    git,
    ['rev-list', '--parents', '--stdin', '--not', ...upstream],
    { signal, end: 10, input: `${tips.join('\n')}\n` },
    line => {
      const [id, ...parents] = line.toString('latin1').split(' ')
      if (id) commits.set(id, parents)
    },
  )
  return parentsFirst(commits)
}

/**
 * Orders the commits so that parents come first. Git's --topo-order is not used: with a commit-graph it walks
 * to the oldest commit of all refs, even for a push of one commit.
 */
function parentsFirst(commits: Commits): Commits {
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
