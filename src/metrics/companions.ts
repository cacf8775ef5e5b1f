import type { CompanionState } from '../companion/status.ts'
import type { RepositoryStatus } from '../contract/companion-api/status.ts'
import { metric, type Sample } from './exposition.ts'

/** Metrics that companions have counted since they started. A companion that does not answer has none. */
export function companionMetrics(companions: readonly CompanionState[]): string {
  const repositories = companions.flatMap(companion =>
    companion.state === 'running' ? companion.status.repositories : [],
  )
  return [
    metric(
      'gate_companions',
      'gauge',
      'Companions by state',
      (['running', 'stopped', 'unreachable'] as const).map(state => [
        { state },
        companions.filter(companion => companion.state === state).length,
      ]),
    ),
    sessionMetrics(repositories),
    mirrorMetrics(repositories),
    scanMetrics(repositories),
  ].join('')
}

function sessionMetrics(repositories: readonly RepositoryStatus[]): string {
  return [
    metric(
      'gate_sessions_total',
      'counter',
      'Ended sessions by service and outcome',
      repositories.flatMap(({ repository, counts }) =>
        Object.entries(counts.sessions).flatMap(([service, outcomes]) =>
          Object.entries(outcomes).map(
            ([outcome, count]): Sample => [{ repository, service, outcome }, count],
          ),
        ),
      ),
    ),
    metric(
      'gate_sessions_disconnected_total',
      'counter',
      'Sessions that timed out or lost their client, by reason',
      repositories.flatMap(({ repository, counts }) =>
        Object.entries(counts.disconnects).map(([reason, count]): Sample => [{ repository, reason }, count]),
      ),
    ),
    metric(
      'gate_sessions_live',
      'gauge',
      'Sessions in progress',
      perRepository(repositories, ({ sessions }) => sessions.length),
    ),
  ].join('')
}

function mirrorMetrics(repositories: readonly RepositoryStatus[]): string {
  return [
    metric(
      'gate_refreshes_total',
      'counter',
      'Refreshes of a mirror by outcome',
      repositories.flatMap(({ repository, counts: { refreshes } }): Sample[] => [
        [{ repository, outcome: 'succeeded' }, refreshes.succeeded],
        [{ repository, outcome: 'failed' }, refreshes.failed],
      ]),
    ),
    metric(
      'gate_refresh_seconds_total',
      'counter',
      'Total duration of refreshes',
      perRepository(repositories, ({ counts }) => counts.refreshes.ms / 1000),
    ),
    metric(
      'gate_mirror_fresh_timestamp_seconds',
      'gauge',
      'Unix time at which the mirror last matched its upstream',
      perRepository(repositories, ({ mirror }) => mirror.freshAt && mirror.freshAt / 1000),
    ),
    metric(
      'gate_mirror_bytes',
      'gauge',
      'Disk space of the mirror',
      perRepository(repositories, ({ mirror }) => mirror.bytes),
    ),
  ].join('')
}

function scanMetrics(repositories: readonly RepositoryStatus[]): string {
  return [
    metric(
      'gate_scanned_bytes_total',
      'counter',
      'Bytes scanned by gitleaks',
      perRepository(repositories, ({ counts }) => counts.scanned.bytes),
    ),
    metric(
      'gate_scanned_objects_total',
      'counter',
      'Commits, files and tags scanned by gitleaks',
      perRepository(repositories, ({ counts }) => counts.scanned.objects),
    ),
    metric(
      'gate_gitleaks_starts_total',
      'counter',
      'Starts of gitleaks',
      perRepository(repositories, ({ counts }) => counts.scanned.gitleaks),
    ),
  ].join('')
}

/** Returns a sample for each repository whose value is known. */
const perRepository = (
  repositories: readonly RepositoryStatus[],
  read: (repository: RepositoryStatus) => number | null,
): Sample[] =>
  repositories.flatMap((repository): Sample[] => {
    const value = read(repository)
    return value === null ? [] : [[{ repository: repository.repository }, value]]
  })
