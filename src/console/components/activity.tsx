import type { Fetch } from '../../contract/admin-api/records.ts'
import type { Activity } from '../../ledger/pushes/activity.ts'
import { pathOf } from '../paths.ts'
import { OutcomeBadge } from './outcome-badge.tsx'
import { PushItem } from './push-row.tsx'
import { RelativeTime } from './relative-time.tsx'
import { UntrustedText } from './untrusted-text.tsx'

/** An agent's pushes and fetches in one list, newest first. */
export const ActivityList = ({ items }: { items: readonly Activity[] }) =>
  items.length === 0 ? (
    <p class="muted">No fetch or push yet.</p>
  ) : (
    <ol class="pushes" aria-labelledby="latest">
      {items.map(item =>
        item.kind === 'push' ? <PushItem push={item.push} /> : <FetchItem fetch={item.fetch} />,
      )}
    </ol>
  )

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
