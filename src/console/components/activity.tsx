import type { Fetch } from '../../contract/api.ts'
import type { PushRow } from '../../ledger/pushes/push-summaries.ts'
import { pathOf } from '../paths.ts'
import { State } from './outcome-badge.tsx'
import { PushLine } from './push-row.tsx'
import { When } from './relative-time.tsx'
import { Given } from './untrusted-text.tsx'

/** What an agent did, newest first: its pushes, and its fetches between them. */
export const Activity = ({ pushes, fetches }: { pushes: readonly PushRow[]; fetches: readonly Fetch[] }) => {
  const lines = [
    ...pushes.map(push => ({ at: push.startedAt, line: <PushLine push={push} /> })),
    ...fetches.map(fetch => ({ at: fetch.at, line: <FetchLine fetch={fetch} /> })),
  ].sort((a, b) => (a.at < b.at ? 1 : -1))
  return lines.length === 0 ? (
    <p class="quiet">It has neither fetched nor pushed yet.</p>
  ) : (
    <ol class="pushes" aria-labelledby="latest">
      {lines.map(({ line }) => line)}
    </ol>
  )
}

const FetchLine = ({ fetch }: { fetch: Fetch }) => (
  <li class="push">
    <State outcome="fetched" phase="" />
    <a class="what" href={pathOf.repository(fetch.repository)}>
      <Given text={fetch.repository} />
    </a>
    <span class="refs quiet">
      <Given text={fetch.clientVersion} />
    </span>
    <span class="why">
      <Given text={fetch.clientAddress} />
    </span>
    <span class="took" />
    <span class="when">
      <When iso={fetch.at} />
    </span>
  </li>
)
