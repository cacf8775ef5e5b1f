import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { Git } from '../git/git.ts'
import type { GitProgress } from '../git/git-progress.ts'
import type { Link } from '../upstream/link.ts'
import { toUpstreamError } from '../upstream/to-upstream-error.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'

/** The mirror and the upstream of a fetch. */
export interface FetchFrom {
  readonly git: Git
  readonly link: Link
  readonly upstream: Upstream
  /** Receives git's progress; undefined: git reports none. */
  readonly progress: GitProgress | undefined
  readonly signal: AbortSignal
}

/** Runs `git fetch` with these options and refspecs (git-fetch(1)). Rejects with UpstreamError. */
export async function fetchRefs(
  { git, link, upstream, progress, signal }: FetchFrom,
  options: readonly string[],
  refspecs: readonly string[],
): Promise<void> {
  const { git: connection, release } = await link.acquire(signal)
  try {
    const fetched = await git.run(
      [
        'fetch',
        progress ? '--progress' : '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        '--no-auto-maintenance',
        ...options,
        upstream.url,
        ...refspecs,
      ],
      { signal, ...connection, onStderr: chunk => progress?.push(chunk) },
    )
    const stderr = progress?.stderr ?? fetched.stderr
    if (fetched.code !== 0) throw toUpstreamError(upstream, stderr)
    // Git leaves such refs out and ends well, so that the repository would look empty.
    if (/shallow roots are not allowed to be updated/.test(stderr)) throw shallowUpstream()
  } finally {
    release({ broken: signal.aborted })
  }
}

export const shallowUpstream = () =>
  new UpstreamError('the upstream is a shallow clone, without its older history', {
    fix: 'complete it there (git fetch --unshallow), or to name a complete repository',
  })
