import type { Fetch } from '../../contract/admin-api/records.ts'
import type { PushRow } from '../../ledger/pushes/push-summaries.ts'
import { pathOf } from '../paths.ts'
import { OutcomeBadge } from './outcome-badge.tsx'
import { PushItem } from './push-row.tsx'
import { RelativeTime } from './relative-time.tsx'
import { UntrustedText } from './untrusted-text.tsx'

/** An agent's pushes and fetches in one list, newest first. */
export const Activity = ({ pushes, fetches }: { pushes: readonly PushRow[]; fetches: readonly Fetch[] }) => {
  const items = [
    ...pushes.map(push => ({ time: push.startedAt, item: <PushItem push={push} /> })),
    ...fetches.map(fetch => ({ time: fetch.at, item: <FetchItem fetch={fetch} /> })),
  ].sort((a, b) => (a.time < b.time ? 1 : -1))
  return items.length === 0 ? (
    <p class="muted">No fetch or push yet.</p>
  ) : (
    <ol class="pushes" aria-labelledby="latest">
      {items.map(({ item }) => item)}
    </ol>
  )
}

const FetchItem = ({ fetch }: { fetch: Fetch }) => (
  <li class="push">
    <OutcomeBadge outcome="fetched" phase="" />
    <a class="title" href={pathOf.repository(fetch.repository)}>
      <UntrustedText text={fetch.repository} />
    </a>
    <span class="refs muted">
      <UntrustedText text={fetch.clientVersion} />
    </span>
    <span class="reason">
      <UntrustedText text={fetch.clientAddress} />
    </span>
    <span class="duration" />
    <span class="time">
      <RelativeTime iso={fetch.at} />
    </span>
  </li>
)
