import type { LiveStatus } from '../../contract/api.ts'
import { inBytes } from '../../contract/format-bytes.ts'
import type { RepositoryStatus } from '../../contract/status.ts'
import type { Refused } from '../forms/call-api.ts'
import { duration } from './format-time.ts'
import { When } from './relative-time.tsx'
import { Given } from './untrusted-text.tsx'

/** A repository's mirror and its sessions, as far as its companion can be asked now. */
export const MirrorNow = ({
  known,
}: {
  known: { ok: true; value: LiveStatus } | { ok: false; refused: Refused }
}) => (
  <section aria-labelledby="mirror">
    <h2 id="mirror">Mirror</h2>
    {!known.ok ? (
      <p class="quiet">{known.refused.message}.</p>
    ) : known.value.status ? (
      <Mirror now={known.value.status} />
    ) : (
      <p class="quiet">{ABSENT[known.value.companion === 'stopped' ? 'stopped' : 'unreachable']}</p>
    )}
  </section>
)

const ABSENT = {
  stopped: 'The container is not running: the next fetch or push starts it, with a fresh mirror.',
  unreachable: 'The companion does not answer now. Look again in a moment, or check the link.',
} as const

const at = (ms: number) => new Date(ms).toISOString()

const Mirror = ({ now: { mirror, sessions, counts } }: { now: RepositoryStatus }) => (
  <dl class="facts">
    <div>
      <dt>Up to date as of</dt>
      <dd>
        {mirror.freshAt === null ? (
          'not since the companion started'
        ) : (
          <When iso={at(mirror.freshAt)} exact />
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
            <When iso={at(mirror.lastRefresh.at)} /> in {duration(mirror.lastRefresh.ms)}
            {mirror.lastRefresh.error !== null && (
              <>
                : <strong class="ng">failed</strong> <Given text={mirror.lastRefresh.error} />
              </>
            )}
          </>
        )}
      </dd>
    </div>
    <div>
      <dt>On disk</dt>
      <dd>{mirror.bytes === null ? 'nothing yet' : inBytes(mirror.bytes)}</dd>
    </div>
    <div>
      <dt>Refreshes</dt>
      <dd>
        {counts.refreshes.succeeded.toLocaleString('en')}
        {counts.refreshes.failed > 0 && `, and ${counts.refreshes.failed.toLocaleString('en')} that failed`}
        <span class="quiet"> since the companion started</span>
      </dd>
    </div>
    <div>
      <dt>Sessions now</dt>
      <dd>
        {sessions.length === 0 && 'none'}
        {sessions.map(session => (
          <div>
            <Given text={session.agent} />: <code>{session.service}</code>
            {session.service === 'git-receive-pack' && `, ${session.phase}`}{' '}
            <span class="quiet">
              began <When iso={at(session.startedAt)} />
            </span>
          </div>
        ))}
      </dd>
    </div>
  </dl>
)
