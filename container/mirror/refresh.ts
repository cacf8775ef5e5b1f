import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { mirroredRefs } from '../../src/contract/mirrored-refs.ts'
import type { Git } from '../git/git.ts'
import { GitProgress } from '../git/git-progress.ts'
import { FORMAT_NAME, type ObjectFormat } from '../git/objects/object-format.ts'
import { type RefList, readMirrorRefs, sameRefs } from '../git/ref-list.ts'
import type { Link } from '../upstream/link.ts'
import { listUpstream } from '../upstream/list-refs.ts'
import type { UploadSession } from '../upstream/upload-session.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import type { UpstreamRefs } from '../upstream/upstream-refs.ts'
import { type FetchFrom, fetchRefs } from './fetch-refs.ts'
import { fetchFirst, isUnfinished } from './first-fetch.ts'
import type { RefsSnapshots } from './refs-snapshot.ts'
import type { MirrorSeed } from './seed.ts'

/** The first fetch into an empty mirror, while it runs. */
export interface FirstFetch {
  readonly refs: UpstreamRefs
  readonly progress: Pick<GitProgress, 'now'>
  /** The time of its start, in Unix milliseconds. */
  readonly since: number
  /** Resolves when the mirror has all refs. Rejects with UpstreamError. */
  readonly done: Promise<void>
}

/** The inputs of a refresh. */
export interface Refresh {
  readonly git: Git
  readonly link: Link
  readonly upstream: Upstream
  /** The mirror's object format; undefined: there is no mirror yet. */
  readonly objectFormat: ObjectFormat | undefined
  /** Creates the mirror, in place of an empty one too. */
  readonly createRepository: (format: ObjectFormat) => Promise<void>
  readonly refs: RefsSnapshots
  /**
   * Returns the refs that running pushes are about to move; the refresh leaves them unchanged. Called after upstream
   * has listed its refs.
   */
  readonly excludedRefs: () => readonly string[]
  /** The seed for an empty mirror, so that upstream sends only the rest. */
  readonly mirrorSeed: MirrorSeed
  /** Receives a first fetch, into an empty mirror, at its start. */
  readonly onFirstFetch: (firstFetch: FirstFetch) => void
  /** The timeout in milliseconds. A first fetch may take longer while git reports progress: this bounds its silence. */
  readonly withinMs: number
}

/** The result of a successful refresh. */
export interface Refreshed extends Pick<UpstreamRefs, 'symbolic'> {
  /** False: git has left temporary files. The mirror is complete all the same. */
  readonly leftNothing: boolean
}

/** Updates the mirrored refs and HEAD from upstream. Rejects with UpstreamError. */
export async function refresh({
  onFirstFetch,
  withinMs,
  mirrorSeed,
  ...context
}: Refresh): Promise<Refreshed> {
  const { git, link, upstream } = context
  let leftNothing = true
  let symbolic: Refreshed['symbolic'] = new Set()
  using deadline = silenceDeadline(withinMs)
  const { signal } = deadline
  const withDeadline = async (work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      if (!signal.aborted) throw error
      throw new UpstreamError(
        `the upstream sent nothing for ${withinMs / 1000} s (an operator may raise GATE_REFRESH_SECONDS)`,
        { advice: 'try again later' },
      )
    }
  }
  await withDeadline(async () => {
    await link.connect(signal)
    const { upstreamRefs, mirrorRefs, session } = await readBothRefs(context, signal)
    using _ = { [Symbol.dispose]: () => session?.end() }
    symbolic = upstreamRefs.symbolic
    const isFirst = upstreamRefs.refs.size > 0 && (mirrorRefs.refs.size === 0 || (await isUnfinished(git)))
    const progress = isFirst ? new GitProgress(deadline.reset) : undefined
    // A first fetch takes long, and may take several fetches.
    if (progress) session?.end()
    const begin = async (words: GitProgress) => {
      if (mirrorRefs.refs.size > 0) return mirrorRefs
      const seeded = await context.refs.change(() => mirrorSeed.consume(upstream, git, words, signal))
      leftNothing = seeded !== 'broken'
      return seeded === 'whole' ? readMirrorRefs(git, signal) : mirrorRefs
    }
    const done = withDeadline(async () =>
      applyUpstreamRefs(
        { ...context, session },
        upstreamRefs,
        progress ? await begin(progress) : mirrorRefs,
        progress,
        signal,
      ),
    )
    if (progress) onFirstFetch({ refs: upstreamRefs, progress, since: Date.now(), done })
    await done
  })
  return { leftNothing, symbolic }
}

/** Reads the refs of upstream and of the mirror. Creates the mirror in upstream's object format. */
async function readBothRefs(
  {
    git,
    link,
    upstream,
    objectFormat,
    createRepository,
  }: Pick<Refresh, 'git' | 'link' | 'upstream' | 'objectFormat' | 'createRepository'>,
  signal: AbortSignal,
): Promise<{ upstreamRefs: UpstreamRefs; mirrorRefs: RefList; session?: UploadSession | undefined }> {
  const mirrorList = objectFormat && readMirrorRefs(git, signal)
  mirrorList?.catch(() => {})
  const { refs: upstreamRefs, session } = await listUpstream(link, upstream, objectFormat ?? 'sha1', signal)
  const mirrorRefs = await mirrorList?.catch(error => {
    session?.end()
    throw error
  })
  if (mirrorRefs && upstreamRefs.objectFormat === objectFormat) return { upstreamRefs, mirrorRefs, session }
  session?.end()
  if (mirrorRefs && mirrorRefs.refs.size > 0)
    throw new UpstreamError(
      `the upstream has ${FORMAT_NAME[upstreamRefs.objectFormat]} object ids now, and its mirror has other ids`,
      { fix: `compare the upstream's URL, and if it is right to delete the mirror, a cache: ${git.dir}` },
    )
  await createRepository(upstreamRefs.objectFormat)
  return { upstreamRefs, mirrorRefs: await readMirrorRefs(git, signal) }
}

/** Aborts after `ms` milliseconds without a call of `reset`. */
function silenceDeadline(ms: number): Disposable & { readonly signal: AbortSignal; reset(): void } {
  const silent = new AbortController()
  const timer = setTimeout(() => silent.abort(new Error('silence')), ms)
  return {
    signal: silent.signal,
    reset: () => void timer.refresh(),
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}

/** From this many new refs on, refs are packed. */
const PACK_REFS_THRESHOLD = 100

async function applyUpstreamRefs(
  {
    git,
    link,
    upstream,
    session,
    refs,
    excludedRefs,
  }: Pick<Refresh, 'git' | 'link' | 'upstream' | 'refs' | 'excludedRefs'> & Pick<FetchFrom, 'session'>,
  upstreamRefs: RefList,
  mirrorRefs: RefList,
  progress: GitProgress | undefined,
  signal: AbortSignal,
): Promise<void> {
  const moving = excludedRefs()
  if (!sameRefs(upstreamRefs.refs, mirrorRefs.refs, moving)) {
    await refs.change(async () => {
      await removeUnmirrored(git, upstream, mirrorRefs, moving, signal)
      const from = { git, link, upstream, session, progress, signal }
      const fetchAll = () =>
        fetchRefs(
          from,
          ['--prune'],
          [
            ...mirroredRefs(upstream.readRefs).patterns.map(pattern => `+${pattern}:${pattern}`),
            ...moving.map(ref => `^${ref}`),
          ],
        )
      await (progress ? fetchFirst(from, upstreamRefs, fetchAll) : fetchAll())
    })
    // A fetch writes a file for each ref, and each listing of all refs reads every file.
    if (upstreamRefs.refs.size - mirrorRefs.refs.size > PACK_REFS_THRESHOLD)
      await git.run(['pack-refs', '--all'], { signal })
  }
  if (upstreamRefs.head === undefined || upstreamRefs.head === mirrorRefs.head) return
  const { head } = upstreamRefs
  if (head.startsWith('refs/')) await refs.change(() => git.text(['symbolic-ref', 'HEAD', head], { signal }))
  // A detached HEAD may name a commit that no branch has. The mirror lacks it, and HEAD stays unchanged.
  else await refs.change(() => git.run(['update-ref', '--no-deref', 'HEAD', head], { signal }))
}

/** Deletes refs that the repository's patterns no longer name: git prunes only refs of its refspecs. */
async function removeUnmirrored(
  git: Git,
  upstream: Upstream,
  mirrorRefs: RefList,
  excludedRefs: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const mirrored = mirroredRefs(upstream.readRefs)
  const rest = [...mirrorRefs.refs.keys()].filter(ref => !mirrored.has(ref) && !excludedRefs.includes(ref))
  if (rest.length === 0) return
  await git.text(['update-ref', '--stdin'], { signal, input: rest.map(ref => `delete ${ref}\n`).join('') })
}
