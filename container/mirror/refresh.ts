import type { Upstream } from '../../src/contract/pass.ts'
import type { Git } from '../git/git.ts'
import { GitProgress } from '../git/git-progress.ts'
import { type RefList, readMirrorRefs, sameRefs } from '../git/ref-list.ts'
import { listUpstream, type UpstreamRefs } from '../upstream/list-refs.ts'
import { type SshLink, toUpstreamError, UpstreamError } from '../upstream/ssh-link.ts'
import type { MirrorSeed } from './seed.ts'

/** What a mirror will have, on its way from upstream. */
export interface Arriving {
  readonly refs: UpstreamRefs
  /** How far it is. */
  readonly progress: Pick<GitProgress, 'now'>
  /** Resolves when the mirror has it all. Rejects with UpstreamError. */
  readonly done: Promise<void>
}

/** What one refresh works with. */
export interface Refresh {
  readonly git: Git
  readonly link: SshLink
  readonly upstream: Upstream
  /** The refs that it leaves alone, asked once upstream has answered: pushes are moving them. */
  readonly heldRefs: () => readonly string[]
  /** What an empty mirror is begun with, so that only the rest comes from upstream. */
  readonly mirrorSeed: MirrorSeed
  /** Told of a first fetch, into an empty mirror, as it begins. */
  readonly onInitialFetch: (arriving: Arriving) => void
  /** How long it may take, in milliseconds. */
  readonly withinMs: number
}

/** How a refresh went. */
export interface Refreshed extends Pick<UpstreamRefs, 'symbolic'> {
  /** Otherwise git has left something behind, and the mirror is whole all the same. */
  readonly leftNothing: boolean
}

/** Heads, tags and HEAD as upstream has them. Rejects with UpstreamError. */
export async function refresh({ onInitialFetch, withinMs, mirrorSeed, ...how }: Refresh): Promise<Refreshed> {
  const { git, link, upstream } = how
  let leftNothing = true
  let symbolic: Refreshed['symbolic'] = new Set()
  const signal = AbortSignal.timeout(withinMs)
  const withDeadline = async (work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      if (!signal.aborted) throw error
      throw new UpstreamError(`the upstream did not finish within ${withinMs / 1000} s; try again later`)
    }
  }
  await withDeadline(async () => {
    await link.connect(signal)
    const [there, here] = await Promise.all([
      listUpstream(link, upstream, signal),
      readMirrorRefs(git, signal),
    ])
    symbolic = there.symbolic
    const progress = here.refs.size === 0 && there.refs.size > 0 ? new GitProgress() : undefined
    const begin = async (words: GitProgress) => {
      const begun = await mirrorSeed.consume(upstream, git, words, signal)
      leftNothing = begun !== 'broken'
      return begun === 'whole' ? readMirrorRefs(git, signal) : here
    }
    const done = withDeadline(async () =>
      applyUpstreamRefs(how, there, progress ? await begin(progress) : here, progress, signal),
    )
    if (progress) onInitialFetch({ refs: there, progress, done })
    await done
  })
  return { leftNothing, symbolic }
}

/** So many new refs at once are packed. */
const MANY_REFS = 100

async function applyUpstreamRefs(
  { git, link, upstream, heldRefs: held }: Pick<Refresh, 'git' | 'link' | 'upstream' | 'heldRefs'>,
  there: RefList,
  here: RefList,
  progress: GitProgress | undefined,
  signal: AbortSignal,
): Promise<void> {
  const moving = held()
  if (!sameRefs(there.refs, here.refs, moving)) {
    await fetchRefs(git, link, upstream, moving, progress, signal)
    // A fetch leaves a file for each ref, and every look at all of them reads each file.
    if (there.refs.size - here.refs.size > MANY_REFS) await git.run(['pack-refs', '--all'], { signal })
  }
  if (there.head === undefined || there.head === here.head) return
  if (there.head.startsWith('refs/')) await git.text(['symbolic-ref', 'HEAD', there.head], { signal })
  // Detached at a commit that no branch has, it is not here: then HEAD stays as it was.
  else await git.run(['update-ref', '--no-deref', 'HEAD', there.head], { signal })
}

/**
 * Heads and tags as upstream has them, those it no longer has pruned. Refs that a push is moving are left to that
 * push.
 */
async function fetchRefs(
  git: Git,
  link: SshLink,
  upstream: Upstream,
  heldRefs: readonly string[],
  progress: GitProgress | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { env, release } = await link.acquire(signal)
  try {
    const fetched = await git.run(
      [
        'fetch',
        progress ? '--progress' : '--quiet',
        '--prune',
        '--no-tags',
        '--no-write-fetch-head',
        '--no-auto-maintenance',
        upstream.url,
        '+refs/heads/*:refs/heads/*',
        '+refs/tags/*:refs/tags/*',
        ...heldRefs.map(ref => `^${ref}`),
      ],
      { signal, env, onStderr: chunk => progress?.push(chunk) },
    )
    if (fetched.code !== 0) throw toUpstreamError(upstream, progress?.said ?? fetched.stderr)
  } finally {
    release({ cut: signal.aborted })
  }
}
