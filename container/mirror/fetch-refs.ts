import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { Git } from '../git/git.ts'
import type { GitProgress } from '../git/git-progress.ts'
import type { Link } from '../upstream/link.ts'
import { toUpstreamError } from '../upstream/to-upstream-error.ts'
import type { UploadSession } from '../upstream/upload-session.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'

/** The mirror and the upstream of a fetch. */
export interface FetchFrom {
  readonly git: Git
  readonly link: Link
  readonly upstream: Upstream
  /** The session in which upstream has listed its refs; undefined: git opens its own. */
  readonly session?: UploadSession | undefined
  /** Receives git's progress; undefined: git reports none. */
  readonly progress: GitProgress | undefined
  readonly signal: AbortSignal
}

/** Runs `git fetch` with these options and refspecs (git-fetch(1)). Rejects with UpstreamError. */
export async function fetchRefs(
  from: FetchFrom,
  options: readonly string[],
  refspecs: readonly string[],
): Promise<void> {
  const { git, link, upstream, progress, signal } = from
  const argumentsFor = (url: string) => [
    'fetch',
    progress ? '--progress' : '--quiet',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-auto-maintenance',
    ...options,
    url,
    ...refspecs,
  ]
  if (await fetchInSession(from, argumentsFor('fd::3'))) return
  const { git: connection, release } = await link.acquire(signal)
  try {
    const fetched = await git.run(argumentsFor(upstream.url), {
      signal,
      ...connection,
      onStderr: chunk => progress?.push(chunk),
    })
    const stderr = progress?.stderr ?? fetched.stderr
    if (fetched.code !== 0) throw toUpstreamError(upstream, stderr)
    // Git leaves such refs out and ends well, so that the repository would look empty.
    if (SHALLOW_ROOTS.test(stderr)) throw shallowUpstream()
  } finally {
    release({ broken: signal.aborted })
  }
}

const SHALLOW_ROOTS = /shallow roots are not allowed to be updated/

export const shallowUpstream = () =>
  new UpstreamError('the upstream is a shallow clone, without its older history', {
    fix: 'complete it there (git fetch --unshallow), or to name a complete repository',
  })

/**
 * Runs `git fetch` in the session that has listed upstream's refs, which git reaches by descriptor 3
 * (git-remote-fd(1)). It takes a round trip where a session of its own takes four. Returns false if it did not succeed.
 */
async function fetchInSession(
  { git, session, signal }: FetchFrom,
  fetch: readonly string[],
): Promise<boolean> {
  if (!session) return false
  let isServed = false
  const { code, stderr } = await git.run(['-c', 'protocol.fd.allow=always', ...fetch], {
    signal,
    onFd3(socket) {
      isServed = session.serve(socket)
      if (!isServed) socket.end()
    },
  })
  session.end()
  return isServed && code === 0 && !SHALLOW_ROOTS.test(stderr)
}
