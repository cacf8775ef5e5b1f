import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { Git } from '../git/git.ts'
import type { GitProgress } from '../git/git-progress.ts'
import { logError } from '../process/log.ts'
import { spawnGroup } from '../process/spawn.ts'

/**
 * A seed for the mirror of a companion with an empty disk: a bundle. Without a seed, upstream sends
 * everything.
 */
export interface MirrorSeed {
  /**
   * Offers a bundle of a repository, or undefined when there is none. Resolves after its use, or when it is
   * not needed: the caller may then discard the stream.
   */
  provide(upstream: Upstream, bundle: Readable | undefined): Promise<void>
  /**
   * Unpacks the offered bundle into the repository's empty mirror and creates its branches and tags. Returns
   * `broken` when that failed: git may have left temporary files.
   */
  consume(
    upstream: Upstream,
    git: Git,
    progress: GitProgress,
    signal: AbortSignal,
  ): Promise<'none' | 'whole' | 'broken'>
}

interface Offer {
  readonly upstream: Upstream
  readonly bundle: Readable
  readonly done: () => void
}

/** Accepts one bundle for one mirror, until `withinMs` milliseconds after the start. */
export function createMirrorSeed(withinMs: number): MirrorSeed {
  const { promise: offered, resolve: settle } = Promise.withResolvers<Offer | undefined>()
  const over = AbortSignal.timeout(withinMs)
  over.addEventListener('abort', () => settle(undefined))
  let isOffered = withinMs === 0
  let isTaken = withinMs === 0
  return {
    async provide(upstream, bundle) {
      if (!bundle || isOffered || over.aborted) return settle(undefined)
      isOffered = true
      await new Promise<void>(done => {
        settle({ upstream, bundle, done })
        over.addEventListener('abort', () => {
          if (!isTaken) done()
        })
      })
    },
    async consume(upstream, git, progress, signal) {
      if (isTaken || over.aborted) return 'none'
      isTaken = true
      const offer = await offered
      if (!offer) return 'none'
      try {
        const isForThisRepository =
          offer.upstream.name === upstream.name && offer.upstream.url === upstream.url
        return isForThisRepository ? await unbundle(git, offer.bundle, progress, signal) : 'none'
      } finally {
        offer.done()
      }
    },
  }
}

/** A line that git bundle unbundle prints for each ref: `<id> <name>` (git-bundle(1)). */
const REF = /^([0-9a-f]{40}|[0-9a-f]{64}) (refs\/(?:heads|tags)\/\S+)$/

async function unbundle(
  git: Git,
  bundle: Readable,
  progress: GitProgress,
  signal: AbortSignal,
): Promise<'whole' | 'broken'> {
  // Git opens /dev/stdin by name, which works for a pipe. Node gives a child a socket as stdin, so cat makes
  // the pipe.
  const script = 'cat | git bundle unbundle --progress /dev/stdin'
  const child = spawnGroup('sh', ['-c', script], { cwd: git.dir, env: git.env, signal, stdio: 'pipe' })
  const ended = once(child, 'close')
  ended.catch(() => {})
  const printed: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => printed.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => progress.push(chunk))
  try {
    if (child.stdin) await pipeline(bundle, child.stdin)
    const [code] = await ended
    if (code !== 0) throw new Error(progress.stderr.trim())
    const refs = Buffer.concat(printed).toString('utf8').split('\n')
    const input = refs.flatMap(line => {
      const [, id, ref] = REF.exec(line) ?? []
      return id && ref ? [`create ${ref} ${id}\n`] : []
    })
    await git.text(['update-ref', '--stdin'], { signal, input: input.join('') })
    await git.text(['pack-refs', '--all'], { signal })
    return 'whole'
  } catch (error) {
    await ended
    signal.throwIfAborted()
    logError('', new Error(`the mirror seed is broken: ${error instanceof Error ? error.message : error}`))
    return 'broken'
  }
}
