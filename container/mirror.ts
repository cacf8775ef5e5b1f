import { createHash, randomUUID } from 'node:crypto'
import { access, constants, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Upstream } from '../src/contract/pass.ts'
import { type Git, gitEnvironment, gitOn } from './git.ts'
import { maintain } from './maintenance.ts'
import { listMirror, sameRefs } from './ref-list.ts'
import type { Settings } from './settings.ts'
import { tidy } from './tidy.ts'
import { type Link, UpstreamError, upstreamProblem } from './upstream.ts'
import { listUpstream } from './upstream-refs.ts'

/** The local copy of one upstream: a cache, made anew whenever it is missing. */
export interface Mirror {
  readonly git: Git
  /**
   * Brings heads, tags and HEAD up to date with the upstream: one refresh at a time, and everyone who asks while
   * it runs shares the next one. Resolves at once within the freshness window. Rejects with UpstreamError.
   */
  refresh(upstream: Upstream, signal: AbortSignal): Promise<void>
  /** Is it there? It may be deleted at any time. */
  present(): Promise<boolean>
  /** Keeps refreshes away from these refs, after the one that runs, until released: a push is about to move them. */
  holdRefs(refs: readonly string[]): Promise<() => void>
  /**
   * Git works in it until released. Whoever had to kill its processes says so when it leaves: what they left behind
   * is removed as soon as nobody is inside.
   */
  enter(): Promise<(killed: boolean) => void>
  /** When it was last like the upstream, in milliseconds since the epoch; undefined: not since the start. */
  readonly freshAt: number | undefined
}

export interface Mirrors {
  of(upstream: Upstream): Mirror
  /** Removes what an earlier life of the companion left in any of them. */
  tidyAll(): Promise<void>
}

/** Makes git's only configuration for all mirrors, and answers with the environment that points to it. */
export async function configureGit(settings: Settings, hooks: string): Promise<Record<string, string>> {
  // Git passes over a hook that it may not run, and a push would go through unchecked.
  for (const hook of ['pre-receive', 'forward/pre-push']) await access(join(hooks, hook), constants.X_OK)
  const home = join(settings.home, 'git')
  const file = join(home, 'gitconfig')
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(file, gitConfig(settings, hooks))
  return gitEnvironment(home, file)
}

/** git-config(1). Deny* settings act after pre-receive, when upstream already has the push: they are off. */
function gitConfig(settings: Settings, hooks: string): string {
  return `[core]
	hooksPath = "${hooks}"
	useReplaceRefs = false
	logAllRefUpdates = false
[http]
	receivepack = true
	getanyfile = false
	uploadarchive = false
[receive]
	fsckObjects = true
	maxInputSize = ${settings.maxPushBytes}
	unpackLimit = 1
	autogc = false
	advertisePushOptions = true
	denyDeleteCurrent = ignore
	denyCurrentBranch = ignore
	keepAlive = 5
[fetch]
	unpackLimit = 1
[gc]
	auto = 0
[maintenance]
	auto = false
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[uploadpackfilter]
	allow = false
[uploadpackfilter "blob:none"]
	allow = true
[uploadpackfilter "blob:limit"]
	allow = true
[uploadpackfilter "tree"]
	allow = true
[push]
	default = nothing
	followTags = false
[init]
	defaultBranch = main
[user]
	useConfigOnly = true
`
}

export function createMirrors(
  settings: Settings,
  env: Readonly<Record<string, string>>,
  linkTo: (upstream: Upstream) => Promise<Link>,
): Mirrors {
  const mirrors = new Map<string, Mirror>()
  const at = (dir: string) => {
    const mirror = mirrors.get(dir) ?? createMirror(gitOn(dir, env), settings, linkTo)
    mirrors.set(dir, mirror)
    return mirror
  }
  return {
    async tidyAll() {
      for (const dir of await mirrorsIn(join(settings.home, 'mirrors'))) (await at(dir).enter())(false)
    },
    of(upstream) {
      // The upstream's address is part of the place: a repository that is pointed elsewhere starts empty.
      const mark = createHash('sha256').update(upstream.url).digest('hex').slice(0, 16)
      const dir = join(settings.home, 'mirrors', upstream.name, `${mark}.git`)
      return at(dir)
    },
  }
}

/** So many new refs at once are packed. */
const MANY_REFS = 100

function createMirror(git: Git, settings: Settings, linkTo: (upstream: Upstream) => Promise<Link>): Mirror {
  const held = new Map<string, number>()
  let inside = 0
  // What an earlier life of the companion left is removed before the first use.
  let dirty = true
  let tidying: Promise<void> | undefined
  let maintaining = false
  let freshAt: number | undefined
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  const cleanUp = async () => {
    dirty = false
    tidying = tidy(git.dir).finally(() => {
      tidying = undefined
    })
    await tidying
  }
  const enter = async () => {
    while (tidying || (dirty && inside === 0)) await (tidying ?? cleanUp())
    inside += 1
    return (killed: boolean) => {
      dirty ||= killed
      left()
      if (!maintaining) maintainInside()
    }
  }
  const left = () => {
    inside -= 1
    if (dirty && inside === 0) cleanUp().catch(() => {})
  }
  const maintainInside = async () => {
    maintaining = true
    inside += 1
    await maintain(git).catch(() => {})
    maintaining = false
    left()
  }

  const refreshOnce = async (upstream: Upstream) => {
    const startedAt = Date.now()
    const leave = await enter()
    try {
      await refreshInside(upstream)
      leave(false)
    } catch (error) {
      leave(true)
      throw error
    }
    freshAt = startedAt
  }

  const refreshInside = async (upstream: Upstream) => {
    const made = await ensure(git)
    if (made) freshAt = undefined
    const link = await linkTo(upstream)
    const signal = AbortSignal.timeout(settings.refreshMs)
    try {
      await link.connect(signal)
      const moving = [...held.keys()]
      const [there, here] = await Promise.all([listUpstream(link, upstream, signal), listMirror(git, signal)])
      if (!sameRefs(there.refs, here.refs, moving)) {
        await fetchAll(git, link, upstream, moving, signal)
        // A fetch leaves a file for each ref, and every look at all of them reads each file.
        if (there.refs.size - here.refs.size > MANY_REFS) await git.run(['pack-refs', '--all'], { signal })
      }
      if (there.head !== undefined && there.head !== here.head)
        await git.text(['symbolic-ref', 'HEAD', there.head], { signal })
    } catch (error) {
      if (!signal.aborted) throw error
      throw new UpstreamError(
        `the upstream did not finish within ${settings.refreshMs / 1000} s; try again later`,
      )
    }
  }

  return {
    git,
    get freshAt() {
      return freshAt
    },
    present: () => exists(git.dir),
    async refresh(upstream, signal) {
      const present = await exists(git.dir)
      if (present && freshAt !== undefined && Date.now() - freshAt < settings.freshMs) return
      next ??= (async () => {
        await running?.catch(() => {})
        running = next
        next = undefined
        await refreshOnce(upstream).finally(() => {
          running = undefined
        })
      })()
      try {
        await orAborted(next, signal)
      } catch (error) {
        if (error instanceof UpstreamError && upstream.staleReads && present) return
        throw error
      }
    },
    async holdRefs(refs) {
      for (const ref of refs) held.set(ref, (held.get(ref) ?? 0) + 1)
      await running?.catch(() => {})
      return () => {
        for (const ref of refs) {
          const left = (held.get(ref) ?? 1) - 1
          if (left) held.set(ref, left)
          else held.delete(ref)
        }
      }
    },
    enter,
  }
}

/** The mirrors under a folder, which lie as deep as their repositories' names have segments. */
async function mirrorsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter(entry => entry.isDirectory()).map(({ name }) => join(folder, name))
  const below = folders.map(path => (path.endsWith('.git') ? [path] : mirrorsIn(path)))
  return (await Promise.all(below)).flat()
}

const exists = (dir: string) =>
  access(join(dir, 'HEAD')).then(
    () => true,
    () => false,
  )

/** Makes the bare repository where there is none, whole by rename. Answers whether it had to. */
async function ensure(git: Git): Promise<boolean> {
  if (await exists(git.dir)) return false
  const fresh = `${git.dir}.${randomUUID()}`
  await mkdir(dirname(git.dir), { recursive: true, mode: 0o700 })
  await mkdir(fresh)
  await gitOn(fresh, git.env).text(['init', '--quiet', '--bare', '--template='], {
    signal: AbortSignal.timeout(10_000),
  })
  await rm(git.dir, { recursive: true, force: true })
  await rename(fresh, git.dir)
  return true
}

/**
 * Heads and tags as upstream has them, those it no longer has pruned. Refs that a push is moving are left to that
 * push.
 */
async function fetchAll(
  git: Git,
  link: Link,
  upstream: Upstream,
  heldRefs: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { env, release } = link.borrow()
  try {
    const fetched = await git.run(
      [
        'fetch',
        '--quiet',
        '--prune',
        '--no-tags',
        '--no-write-fetch-head',
        '--no-auto-maintenance',
        upstream.url,
        '+refs/heads/*:refs/heads/*',
        '+refs/tags/*:refs/tags/*',
        ...heldRefs.map(ref => `^${ref}`),
      ],
      { signal, env },
    )
    if (fetched.code !== 0) throw upstreamProblem(upstream, fetched.stderr)
  } finally {
    release({ cut: signal.aborted })
  }
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
