import type { LiveStatus } from '../../contract/admin-api/status.ts'
import type { RepositoryStatus } from '../../contract/companion-api/status.ts'
import { formatBytes } from '../../contract/text/format-bytes.ts'
import type { ApiProblem } from '../forms/call-api.ts'
import { duration } from './format-time.ts'
import { RelativeTime } from './relative-time.tsx'
import { UntrustedText } from './untrusted-text.tsx'

/** The live status of a repository's mirror and sessions, or why there is none. */
export const MirrorSection = ({
  liveStatus,
}: {
  liveStatus: { ok: true; value: LiveStatus } | { ok: false; problem: ApiProblem }
}) => (
  <section aria-labelledby="mirror">
    <h2 id="mirror">Mirror</h2>
    {!liveStatus.ok ? (
      <p class="muted">{liveStatus.problem.message}.</p>
    ) : liveStatus.value.status ? (
      <Mirror now={liveStatus.value.status} />
    ) : (
      <p class="muted">{UNAVAILABLE[liveStatus.value.companion === 'stopped' ? 'stopped' : 'unreachable']}</p>
    )}
  </section>
)

const UNAVAILABLE = {
  stopped: 'The container is not running. The next fetch or push starts it.',
  unreachable: 'The companion does not respond. Reload the page, or check the connection.',
} as const

const toIso = (ms: number) => new Date(ms).toISOString()

const Mirror = ({ now: { mirror, sessions, counts } }: { now: RepositoryStatus }) => (
  <dl class="facts">
    <div>
      <dt>Up to date as of</dt>
      <dd>
        {mirror.freshAt === null ? (
          'not since the companion started'
        ) : (
          <RelativeTime iso={toIso(mirror.freshAt)} exact />
        )}
      </dd>
    </div>
    <div>
      <dt>Last refresh</dt>
      <dd>
        {mirror.lastRefresh === null ? (
          'none yet'
        ) : (
          <>
            <RelativeTime iso={toIso(mirror.lastRefresh.at)} /> in {duration(mirror.lastRefresh.ms)}
            {mirror.lastRefresh.error !== null && (
              <>
                : <strong class="ng">failed</strong> <UntrustedText text={mirror.lastRefresh.error} />
              </>
            )}
          </>
        )}
      </dd>
    </div>
    <div>
      <dt>On disk</dt>
      <dd>{mirror.bytes === null ? 'nothing yet' : formatBytes(mirror.bytes)}</dd>
    </div>
    <div>
      <dt>Refreshes</dt>
      <dd>
        {counts.refreshes.succeeded.toLocaleString('en')}
        {counts.refreshes.failed > 0 && `, and ${counts.refreshes.failed.toLocaleString('en')} failed`}
        <span class="muted"> since the companion started</span>
      </dd>
    </div>
    <div>
      <dt>Sessions in progress</dt>
      <dd>
        {sessions.length === 0 && 'none'}
        {sessions.map(session => (
          <div>
            <UntrustedText text={session.agent} />: <code>{session.service}</code>
            {session.service === 'git-receive-pack' && `, ${session.step}`}{' '}
            <span class="muted">
              started <RelativeTime iso={toIso(session.startedAt)} />
            </span>
          </div>
        ))}
      </dd>
    </div>
  </dl>
)
