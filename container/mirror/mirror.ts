import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { Counts, MirrorStatus } from '../../src/contract/companion-api/status.ts'
import type { Git } from '../git/git.ts'
import type { ObjectFormat } from '../git/objects/object-format.ts'
import { withAbort } from '../process/with-abort.ts'
import type { Settings } from '../settings.ts'
import type { Link } from '../upstream/link.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { createRepository, readObjectFormat } from './create-repository.ts'
import { mirrorSize } from './disk-size.ts'
import { isUnfinished } from './first-fetch.ts'
import { createMirrorUse, type EnterMirror } from './mirror-use.ts'
import { type FirstFetch, refresh } from './refresh.ts'
import { createRefsSnapshots, type RefsSnapshots } from './refs-snapshot.ts'
import type { MirrorSeed } from './seed.ts'

/** The local copy of an upstream: a cache, created again whenever it is missing. */
export interface Mirror {
  readonly git: Git
  /** Tells whether refs are still the same. */
  readonly refs: RefsSnapshots
  /** The object format, which is upstream's. Undefined before the first refresh. */
  readonly objectFormat: ObjectFormat | undefined
  /**
   * Updates the mirrored refs and HEAD from the upstream. One refresh runs at a time, and all callers during it
   * share the next refresh. Resolves at once while the mirror is fresh (fetchFreshMs). Rejects with
   * UpstreamError.
   */
  refresh(upstream: Upstream, signal: AbortSignal): Promise<void>
  /** True when the mirror exists. It may be deleted at any time. */
  exists(): Promise<boolean>
  /** True when the mirror exists and a refresh has succeeded since the start. */
  isReady(): Promise<boolean>
  /** Lets the next refresh ask upstream, however fresh the mirror is. */
  expire(): void
  /** True when the ref was a symbolic ref at upstream in the last refresh. */
  isSymbolic(ref: string): boolean
  /** The running first fetch into an empty mirror. */
  readonly firstFetch: FirstFetch | undefined
  /**
   * Excludes these refs from refreshes until released, because a push is about to move them. Waits for the
   * running refresh, and calls `onWait` before. Rejects with the signal's reason when it aborts during that wait.
   */
  excludeRefs(refs: readonly string[], signal: AbortSignal, onWait: () => void): Promise<() => void>
  readonly enter: EnterMirror
  /** Returns the mirror's freshness and size, and the counts of its refreshes. */
  status(): Promise<MirrorStatus & Pick<Counts, 'refreshes'>>
}

/** The dependencies of a mirror. */
export interface MirrorDeps {
  readonly settings: Settings
  readonly linkTo: (upstream: Upstream) => Promise<Link>
  readonly mirrorSeed: MirrorSeed
}

/** Creates the mirror in git's directory. */
export function createMirror(git: Git, { settings, linkTo, mirrorSeed }: MirrorDeps): Mirror {
  const excludedRefs = new Map<string, number>()
  const refs = createRefsSnapshots()
  let objectFormat: ObjectFormat | undefined
  let freshAt: number | undefined
  let freshPatterns = ''
  let expiredAt = 0
  let firstFetch: FirstFetch | undefined
  let symbolic: ReadonlySet<string> = new Set()
  let lastRefresh: MirrorStatus['lastRefresh'] = null
  const refreshes = { succeeded: 0, failed: 0, ms: 0 }
  /** Undefined: the mirror may have changed since it was measured. */
  let size: Promise<number | undefined> | undefined
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const enter = createMirrorUse(git, () => {
    size = undefined
  })

  const refreshOnce = async (upstream: Upstream) => {
    const startedAt = Date.now()
    const started = performance.now()
    const ended = (error: string | null) => {
      const ms = Math.round(performance.now() - started)
      lastRefresh = { at: startedAt, ms, error }
      refreshes[error === null ? 'succeeded' : 'failed'] += 1
      refreshes.ms += ms
    }
    const leave = await enter()
    try {
      objectFormat = (await exists(git.dir)) ? (objectFormat ?? (await readObjectFormat(git))) : undefined
      const refreshed = await refresh({
        git,
        link: await linkTo(upstream),
        upstream,
        objectFormat,
        async createRepository(format) {
          await refs.change(() => createRepository(git, format))
          objectFormat = format
          freshAt = undefined
        },
        refs,
        excludedRefs: () => [...excludedRefs.keys()],
        mirrorSeed,
        onFirstFetch(now) {
          firstFetch = now
        },
        withinMs: settings.refreshMs,
      }).finally(() => {
        firstFetch = undefined
      })
      symbolic = refreshed.symbolic
      leave(!refreshed.leftNothing)
    } catch (error) {
      leave(true)
      ended(
        error instanceof UpstreamError ? error.message : 'the gate could not do it; its log has the cause',
      )
      throw error
    }
    freshAt = startedAt
    freshPatterns = upstream.readRefs.join(' ')
    ended(null)
  }

  return {
    git,
    refs,
    get objectFormat() {
      return objectFormat
    },
    async status() {
      size ??= mirrorSize(git.dir)
      return {
        freshAt: freshAt ?? null,
        lastRefresh,
        bytes: (await size) ?? null,
        refreshes: { ...refreshes },
      }
    },
    exists: () => exists(git.dir),
    expire() {
      expiredAt = Date.now()
    },
    isSymbolic: ref => symbolic.has(ref),
    isReady: async () => freshAt !== undefined && (await exists(git.dir)),
    get firstFetch() {
      return firstFetch
    },
    async refresh(upstream, signal) {
      const isThere = await exists(git.dir)
      const isFresh =
        freshAt !== undefined && freshAt > expiredAt && Date.now() - freshAt < settings.fetchFreshMs
      if (isThere && isFresh && freshPatterns === upstream.readRefs.join(' ')) return
      next ??= (async () => {
        await running?.catch(() => {})
        running = next
        next = undefined
        await refreshOnce(upstream).finally(() => {
          running = undefined
        })
      })()
      try {
        await withAbort(next, signal)
      } catch (error) {
        if (error instanceof UpstreamError && upstream.staleReads && isThere && (await canServe(git))) return
        throw error
      }
    },
    async excludeRefs(refs, signal, onWait) {
      for (const ref of refs) excludedRefs.set(ref, (excludedRefs.get(ref) ?? 0) + 1)
      const release = () => {
        for (const ref of refs) {
          const remaining = (excludedRefs.get(ref) ?? 1) - 1
          if (remaining) excludedRefs.set(ref, remaining)
          else excludedRefs.delete(ref)
        }
      }
      if (running) onWait()
      try {
        await withAbort(running?.catch(() => {}) ?? Promise.resolve(), signal)
        return release
      } catch (error) {
        release()
        throw error
      }
    },
    enter,
  }
}

const exists = (dir: string) =>
  access(join(dir, 'HEAD')).then(
    () => true,
    () => false,
  )

/** True unless the mirror's first fetch has not ended: it has no refs then, or some of them. */
const canServe = async (git: Git) =>
  !(await isUnfinished(git)) &&
  (await git.text(['for-each-ref', '--count=1'], { signal: AbortSignal.timeout(10_000) })) !== ''
