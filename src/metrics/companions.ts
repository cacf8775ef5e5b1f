import type { CompanionWord } from '../companion/status.ts'
import type { RepositoryStatus } from '../contract/status.ts'
import { metric, type Sample } from './exposition.ts'

/** What companions have counted since each of them started; those that cannot be asked now are missing. */
export function companionMetrics(words: readonly CompanionWord[]): string {
  const repositories = words.flatMap(word => (word.state === 'awake' ? word.status.repositories : []))
  const each = (samples: (of: RepositoryStatus) => readonly Sample[]) => repositories.flatMap(samples)
  const one = (value: (of: RepositoryStatus) => number | null) =>
    each(of => {
      const known = value(of)
      return known === null ? [] : [[{ repository: of.repository }, known]]
    })
  return [
    metric(
      'gate_companions',
      'gauge',
      'Companions that were asked for their counts, by how they were found',
      (['awake', 'asleep', 'unreachable'] as const).map(state => [
        { state },
        words.filter(word => word.state === state).length,
      ]),
    ),
    metric(
      'gate_sessions_total',
      'counter',
      'Sessions that have ended, by service and outcome',
      each(({ repository, counts }) =>
        Object.entries(counts.sessions).flatMap(([service, outcomes]) =>
          Object.entries(outcomes).map(
            ([outcome, count]): Sample => [{ repository, service, outcome }, count],
          ),
        ),
      ),
    ),
    metric(
      'gate_sessions_reaped_total',
      'counter',
      'Sessions that were let go before their end, by reason',
      each(({ repository, counts }) =>
        Object.entries(counts.reaped).map(([reason, count]): Sample => [{ repository, reason }, count]),
      ),
    ),
    metric(
      'gate_sessions_live',
      'gauge',
      'Sessions that go on',
      one(({ sessions }) => sessions.length),
    ),
    metric(
      'gate_refreshes_total',
      'counter',
      'Times that a mirror was brought up to date, or was to be',
      each(({ repository, counts: { refreshes } }) => [
        [{ repository, outcome: 'succeeded' }, refreshes.succeeded],
        [{ repository, outcome: 'failed' }, refreshes.failed],
      ]),
    ),
    metric(
      'gate_refresh_seconds_total',
      'counter',
      'Time that refreshes took',
      one(({ counts }) => counts.refreshes.ms / 1000),
    ),
    metric(
      'gate_mirror_fresh_timestamp_seconds',
      'gauge',
      'When a mirror was last like its upstream',
      one(({ mirror }) => mirror.freshAt && mirror.freshAt / 1000),
    ),
    metric(
      'gate_mirror_bytes',
      'gauge',
      'What a mirror takes of the disk',
      one(({ mirror }) => mirror.bytes),
    ),
    metric(
      'gate_scanned_bytes_total',
      'counter',
      'What gitleaks was given to read',
      one(({ counts }) => counts.scanned.bytes),
    ),
    metric(
      'gate_scanned_objects_total',
      'counter',
      'Commits, files and tags that were scanned',
      one(({ counts }) => counts.scanned.objects),
    ),
    metric(
      'gate_gitleaks_starts_total',
      'counter',
      'How often gitleaks was started for a push',
      one(({ counts }) => counts.scanned.gitleaks),
    ),
  ].join('')
}
