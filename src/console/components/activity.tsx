import type { Fetch, HostCall } from '../../contract/admin-api/records.ts'
import type { Activity } from '../../ledger/pushes/activity.ts'
import { pathOf } from '../paths.ts'
import { duration } from './format-time.ts'
import { OutcomeBadge } from './outcome-badge.tsx'
import { PushItem } from './push-row.tsx'
import { RelativeTime } from './relative-time.tsx'
import { UntrustedText } from './untrusted-text.tsx'

/** An agent's pushes, fetches and calls to a host's API in one list, newest first. */
export const ActivityList = ({ items }: { items: readonly Activity[] }) =>
  items.length === 0 ? (
    <p class="muted">No push, fetch or API call yet.</p>
  ) : (
    <ol class="pushes" aria-labelledby="latest">
      {items.map(item => {
        if (item.kind === 'push') return <PushItem push={item.push} />
        return item.kind === 'fetch' ? <FetchItem fetch={item.fetch} /> : <CallItem call={item.call} />
      })}
    </ol>
  )

const FetchItem = ({ fetch }: { fetch: Fetch }) => (
  <li class="push">
    <OutcomeBadge outcome="fetched" step="" />
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

const CallItem = ({ call }: { call: HostCall }) => (
  <li class="push">
    <OutcomeBadge outcome={call.outcome === 'open' ? 'unknown' : call.outcome} step="" />
    <a class="title" href={pathOf.repository(call.repository)}>
      <UntrustedText text={call.repository} />
    </a>
    <span class="refs muted">
      <UntrustedText text={call.operation || `${call.method} request to the host’s API`} />
    </span>
    <span class="reason">
      <UntrustedText text={call.reason} />
    </span>
    <span class="duration">{duration(call.ms)}</span>
    <span class="time">
      <RelativeTime iso={call.at} />
    </span>
  </li>
)
