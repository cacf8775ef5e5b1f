import type { RepositoryName } from '../../src/contract/names.ts'
import type { PassFor } from '../../src/contract/pass.ts'
import type { CompanionStatus, RepositoryStatus } from '../../src/contract/status.ts'
import type { Mirror } from '../mirror/mirror.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import type { Sessions } from './sessions.ts'

const startedAt = Date.now()

/** What the companion tells of itself; nothing that is slow to learn. */
export async function statusOf(
  { sessions, mirrors }: { sessions: Sessions; mirrors: Mirrors },
  { of }: PassFor<'status'>,
): Promise<CompanionStatus> {
  const asked = of ? [[of.name, mirrors.of(of)] as const] : [...mirrors.known()]
  const repositories = await Promise.all(
    asked.map(([name, mirror]) => repositoryStatus(name, mirror, sessions)),
  )
  return { startedAt, repositories }
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
      .map(({ id, agent, service, phase, startedAt }) => ({ id, agent, service, phase, startedAt })),
    counts: { refreshes, ...sessions.counts(repository) },
  }
}
