import { join } from 'node:path'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { type RefusedObjects, secretsSettings } from '../checks/index.ts'
import type { Mirror } from '../mirror/mirror.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Settings } from '../settings.ts'
import type { LfsUpstream, LfsUpstreams } from '../upstream/lfs-server/index.ts'
import { createFillings, type Fillings } from './filling.ts'
import { createPointerIndex, type PointerIndex } from './pointer-index.ts'
import { createScanQueue, type ScanQueue } from './scan-queue.ts'
import type { Shelf, Store } from './store.ts'
import { createUploads, type Uploads } from './uploads.ts'

/** Everything that the LFS requests of one repository share. */
export interface LfsRepository {
  readonly mirror: Mirror
  readonly upstream: LfsUpstream
  readonly shelf: Shelf
  readonly fillings: Fillings
  readonly pointers: PointerIndex
  readonly scans: ScanQueue
  readonly uploads: Uploads
}

export interface LfsDependencies {
  readonly settings: Settings
  readonly mirrors: Mirrors
  readonly sessions: Sessions
  readonly upstreams: LfsUpstreams
  readonly refused: RefusedObjects
  readonly store: Store
}

/** Git LFS of all repositories. */
export interface Lfs extends LfsDependencies {
  repository(upstream: Upstream): LfsRepository
}

export function createLfs(dependencies: LfsDependencies): Lfs {
  const { settings, mirrors, upstreams, store } = dependencies
  const repositories = new Map<string, LfsRepository>()
  const stop = new AbortController().signal
  return {
    ...dependencies,
    repository(named) {
      const key = JSON.stringify(named)
      const cached = repositories.get(key)
      if (cached) return cached
      const mirror = mirrors.get(named)
      const upstream = upstreams.to(named)
      const shelf = store.of(named)
      const repository: LfsRepository = {
        mirror,
        upstream,
        shelf,
        fillings: createFillings(shelf, upstream),
        pointers: createPointerIndex(mirror.git),
        scans: createScanQueue(secretsSettings(settings), mirror.git, join(settings.home, 'scratch'), stop),
        uploads: createUploads(),
      }
      repositories.set(key, repository)
      return repository
    },
  }
}
