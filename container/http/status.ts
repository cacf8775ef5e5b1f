import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { CompanionStatus, RepositoryStatus } from '../../src/contract/companion-api/status.ts'
import type { RepositoryName } from '../../src/contract/names.ts'
import type { Mirror } from '../mirror/mirror.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Settings } from '../settings.ts'

const startedAt = Date.now()

/** Returns the companion's status. It reads only values that are quick to get. */
export async function statusOf(
  { sessions, mirrors, settings }: { sessions: Sessions; mirrors: Mirrors; settings: Pick<Settings, 'home'> },
  { of: repository }: PassFor<'status'>,
): Promise<CompanionStatus> {
  const entries = repository ? [[repository.name, mirrors.get(repository)] as const] : [...mirrors.active()]
  const repositories = await Promise.all(
    entries.map(([name, mirror]) => repositoryStatus(name, mirror, sessions)),
  )
  return { startedAt, repositories, diskFull: await isDiskFull(settings.home) }
}

/** Free disk space below which a push cannot be received, in bytes. */
const MIN_FREE = 1 << 20

/** Checks each folder, because the mirrors and the journal can be on separate disks. */
async function isDiskFull(home: string): Promise<boolean> {
  const room = async (folder: string) => {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  }
  const rooms = await Promise.all(
    [home, join(home, 'mirrors'), join(home, 'journal')].map(folder =>
      room(folder).catch(() => Number.POSITIVE_INFINITY),
    ),
  )
  return Math.min(...rooms) < MIN_FREE
}

async function repositoryStatus(
  repository: RepositoryName,
  mirror: Mirror,
  sessions: Sessions,
): Promise<RepositoryStatus> {
  const { refreshes, ...status } = await mirror.status()
  return {
    repository,
    mirror: status,
    sessions: [...sessions.all]
      .filter(session => session.repository === repository)
      .map(({ id, agent, service, step, startedAt }) => ({ id, agent, service, step, startedAt })),
    counts: { refreshes, ...sessions.counts(repository) },
  }
}
