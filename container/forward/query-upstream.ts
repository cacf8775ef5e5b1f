import { setTimeout as delay } from 'node:timers/promises'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { isNullId, isReviewRef } from '../../src/contract/names.ts'
import type { RefResult, UpstreamState } from '../../src/contract/outcome.ts'
import type { Git } from '../git/git.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import type { Settings } from '../settings.ts'
import type { Link } from '../upstream/link.ts'
import type { Links } from '../upstream/links.ts'

/**
 * Pause before the second query, in milliseconds. An upstream whose connection broke during the push can
 * still accept it until its next keepalive fails, 5 s later.
 */
const LATE_APPLY_MS = 7_000
const ANSWER_TIMEOUT_MS = 15_000

export type Ref = Pick<RefResult, 'ref' | 'old' | 'new'>

/**
 * Reads upstream's refs to determine the result of a push whose report was lost. If the push has not arrived,
 * or upstream does not answer, it asks once more.
 */
export async function queryPushState(
  git: Git,
  link: Link,
  upstream: Upstream,
  refs: readonly Ref[],
): Promise<UpstreamState> {
  // A host that took a proposal shows no ref of its name.
  if (refs.some(({ ref }) => isReviewRef(ref))) return 'diverged'
  const first = await queryPushStateOnce(git, link, upstream, refs)
  if (first === 'applied' || first === 'diverged') return first
  await delay(LATE_APPLY_MS)
  return queryPushStateOnce(git, link, upstream, refs)
}

/** Asks upstream once for the state of a push. */
export async function queryPushStateOnce(
  git: Git,
  link: Link,
  upstream: Upstream,
  refs: readonly Ref[],
): Promise<UpstreamState> {
  const upstreamRefs = await readUpstreamRefs(git, link, upstream, refs)
  return upstreamRefs ? stateOf(refs, upstreamRefs) : 'unknown'
}

/** Returns the ids of those refs that upstream has. Undefined: upstream does not answer. */
export async function readUpstreamRefs(
  git: Git,
  link: Link,
  upstream: Upstream,
  refs: readonly Ref[],
): Promise<ReadonlyMap<string, string> | undefined> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  try {
    const lease = await link.acquire(signal)
    const listed = await git
      .run(['ls-remote', upstream.url, ...refs.map(({ ref }) => ref)], { signal, ...lease.git })
      .finally(() => lease.release({ broken: signal.aborted }))
    if (listed.code !== 0) return undefined
    return new Map(
      listed.stdout
        .toString('utf8')
        .split('\n')
        .map(line => line.split('\t'))
        .map(([id = '', ref = '']) => [ref, id]),
    )
  } catch {
    return undefined
  }
}

/** True if upstream has the ref at this id, or does not have it if the id is zero. */
export const isAt = (upstreamRefs: ReadonlyMap<string, string>, ref: string, id: string): boolean =>
  isNullId(id) ? !upstreamRefs.has(ref) : upstreamRefs.get(ref) === id

/** Returns the state of a push in upstream's refs. */
export function stateOf(
  refs: readonly Ref[],
  upstreamRefs: ReadonlyMap<string, string>,
): Exclude<UpstreamState, 'unknown'> {
  if (refs.every(({ ref, new: id }) => isAt(upstreamRefs, ref, id))) return 'applied'
  return refs.every(({ ref, old }) => isAt(upstreamRefs, ref, old)) ? 'not-applied' : 'diverged'
}

interface QueryDeps {
  readonly mirrors: Mirrors
  readonly links: Links
  readonly settings: Pick<Settings, 'refreshMs'>
}

/** Queries upstream for a push whose outcome is unknown. Returns `unknown` on any failure. */
export async function queryOrUnknown(
  upstream: Upstream,
  refs: readonly Ref[],
  { mirrors, links, settings }: QueryDeps,
): Promise<UpstreamState> {
  const mirror = mirrors.get(upstream)
  try {
    if (!(await mirror.exists())) await mirror.refresh(upstream, AbortSignal.timeout(settings.refreshMs))
    return await queryPushState(mirror.git, await links.to(upstream), upstream, refs)
  } catch {
    return 'unknown'
  }
}
