import { type Command, isDelete } from '../../git/command-list.ts'
import { ownObjects } from '../../git/objects/object-lookup.ts'
import { type RefList, readMirrorRefs, UPSTREAM_CONTENT } from '../../git/ref-list.ts'
import type { IncomingPush } from '../check.ts'
import { forEachField } from './git-lines.ts'

/** Maps each new commit to its parents, parents first. */
export type Commits = ReadonlyMap<string, readonly string[]>

const cache = new WeakMap<IncomingPush, Promise<Commits>>()

/**
 * Returns the commits that the refs of a push reach and no branch or tag of upstream reaches. All checks
 * share one walk.
 */
export function newCommits(push: IncomingPush, signal: AbortSignal): Promise<Commits> {
  const before = cache.get(push)
  if (before) return before
  const now = list(push, signal)
  cache.set(push, now)
  return now
}

/** A push of nothing but notes continues upstream's notes, which no branch reaches. */
const hasOnlyNotes = (commands: readonly Command[]): boolean =>
  commands.every(({ ref }) => ref.startsWith('refs/notes/'))

/** From this many refs on, reading the commits of all of them takes longer than another walk. */
const REFS_THRESHOLD = 500

async function list(push: IncomingPush, signal: AbortSignal): Promise<Commits> {
  const mirror = await readMirrorRefs(push.git, signal)
  const near = mirror.refs.size >= REFS_THRESHOLD ? await newCommitsNear(push, mirror, signal) : undefined
  if (near) return near
  const more = hasOnlyNotes(push.commands) ? ['--glob=refs/notes/*'] : []
  return revisions(push, ['--stdin', '--not', ...UPSTREAM_CONTENT, ...more], signal)
}

/** The most new commits that are listed by the nearest refs alone. */
const MAX_NEAR = 50

/**
 * Lists the new commits by the refs on which most pushes build: the mirror's values of the pushed refs, and its
 * default branch. The list is the same as by all refs if the mirror has none of its commits, since every ref of the
 * mirror reaches only commits that the mirror has. Undefined: it has some, or there are too many.
 */
export async function newCommitsNear(
  { commands, git }: Pick<IncomingPush, 'commands' | 'git'>,
  { refs, head }: RefList,
  signal: AbortSignal,
): Promise<Commits | undefined> {
  const isContent = hasOnlyNotes(commands) ? /^refs\/(heads|tags|notes)\// : /^refs\/(heads|tags)\//
  const names = [head ?? '', ...commands.map(({ ref }) => ref)].filter(ref => isContent.test(ref))
  const near = new Set(names.flatMap(ref => refs.get(ref) ?? []))
  const args = ['--stdin', `--max-count=${MAX_NEAR + 1}`, '--not', ...near]
  const commits = await revisions({ commands, git }, args, signal)
  if (commits.size > MAX_NEAR) return undefined
  return ownObjects(git.dir, [...commits.keys()])?.size === 0 ? commits : undefined
}

async function revisions(
  { commands, git }: Pick<IncomingPush, 'commands' | 'git'>,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Commits> {
  const tips = commands.filter(command => !isDelete(command)).map(command => command.new)
  const commits = new Map<string, string[]>()
  const input = `${[...new Set(tips)].join('\n')}\n`
  await forEachField(git, ['rev-list', '--parents', ...args], { signal, end: 10, input }, line => {
    const [id, ...parents] = line.toString('latin1').split(' ')
    if (id) commits.set(id, parents)
  })
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
