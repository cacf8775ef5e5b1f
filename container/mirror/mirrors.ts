import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { RepositoryName } from '../../src/contract/names.ts'
import { createGit } from '../git/git.ts'
import { logError } from '../process/log.ts'
import { createMirror, type Mirror, type MirrorDeps } from './mirror.ts'

export interface Mirrors {
  get(upstream: Upstream): Mirror
  /** The mirrors of all repositories that were requested since the start. */
  active(): Iterable<readonly [RepositoryName, Mirror]>
  /** Removes the files that an earlier companion left in any mirror. */
  cleanUpAll(): Promise<void>
}

export function createMirrors({
  env,
  ...deps
}: MirrorDeps & { env: Readonly<Record<string, string>> }): Mirrors {
  const { home } = deps.settings
  const mirrors = new Map<string, Mirror>()
  const active = new Map<RepositoryName, Mirror>()
  const mirrorIn = (dir: string) => {
    const mirror = mirrors.get(dir) ?? createMirror(createGit(dir, env), deps)
    mirrors.set(dir, mirror)
    return mirror
  }
  return {
    async cleanUpAll() {
      for (const dir of await mirrorsIn(join(home, 'mirrors')))
        try {
          if (UNFINISHED.test(dir)) await rm(dir, { recursive: true, force: true })
          else (await mirrorIn(dir).enter())(false)
        } catch (error) {
          logError('', error)
        }
    },
    get(upstream) {
      // The path contains a hash of the upstream's URL: a repository with a new upstream starts with an empty
      // mirror.
      const urlHash = createHash('sha256').update(upstream.url).digest('hex').slice(0, 16)
      const mirror = mirrorIn(join(home, 'mirrors', upstream.name, `${urlHash}.git`))
      active.set(upstream.name, mirror)
      return mirror
    },
    active: () => active,
  }
}

/** A mirror whose creation a companion's end interrupted (create-repository.ts). */
const UNFINISHED = /\.git\.[0-9a-f-]{36}$/

/**
 * Lists the mirrors in a folder, including unfinished mirrors. A mirror is as deep as its repository's name
 * has segments.
 */
async function mirrorsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter(entry => entry.isDirectory()).map(({ name }) => join(folder, name))
  const below = folders.map(path =>
    path.endsWith('.git') || UNFINISHED.test(path) ? [path] : mirrorsIn(path),
  )
  return (await Promise.all(below)).flat()
}
