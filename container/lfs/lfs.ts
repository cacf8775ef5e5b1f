import { join } from 'node:path'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { type RefusedObjects, secretsSettings } from '../checks/index.ts'
import type { Mirror } from '../mirror/mirror.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Settings } from '../settings.ts'
import type { LfsUpstream, LfsUpstreams } from '../upstream/lfs-server/index.ts'
import { createPointerIndex, type PointerIndex } from './pointer-index.ts'
import { createScanQueue, type ScanQueue } from './scan-queue.ts'
import { createSharedDownloads, type SharedDownloads } from './shared-downloads.ts'
import type { Store, StoredObjects } from './store.ts'
import { createUploads, type Uploads } from './uploads.ts'

/** Everything that the LFS requests of one repository share. */
export interface LfsRepository {
  readonly mirror: Mirror
  readonly upstream: LfsUpstream
  readonly stored: StoredObjects
  readonly downloads: SharedDownloads
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
      const stored = store.of(named)
      const repository: LfsRepository = {
        mirror,
        upstream,
        stored,
        downloads: createSharedDownloads(stored, upstream),
        pointers: createPointerIndex(mirror.git),
        scans: createScanQueue(secretsSettings(settings), mirror.git, join(settings.home, 'scratch'), stop),
        uploads: createUploads(),
      }
      repositories.set(key, repository)
      return repository
    },
  }
}
