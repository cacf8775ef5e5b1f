import type { Child } from 'hono/jsx'
import type { LastPush } from '../../ledger/pushes/last-pushes.ts'
import { OutcomeBadge } from './outcome-badge.tsx'
import { RelativeTime } from './relative-time.tsx'
import { UntrustedText } from './untrusted-text.tsx'

interface Resource {
  readonly name: string
  readonly href: string
  readonly description: Child
  /** The number of its agents or tokens, as text. */
  readonly count: string
}

/** A list of repositories or agents, each with the outcome of its last push. */
export const ResourceList = ({
  resources,
  lastPushes,
}: {
  resources: readonly Resource[]
  lastPushes: ReadonlyMap<string, LastPush>
}) => (
  <ul class="resources">
    {resources.map(({ name, href, description, count }) => (
      <li>
        <a class="title" href={href}>
          <UntrustedText text={name} />
        </a>
        <span class="wide">{description}</span>
        <span class="muted">{count}</span>
        <span>
          <LastPushBadge push={lastPushes.get(name)} />
        </span>
      </li>
    ))}
  </ul>
)

const LastPushBadge = ({ push }: { push: LastPush | undefined }) =>
  push ? (
    <>
      <OutcomeBadge outcome={push.outcome} step={push.step} />{' '}
      <span class="muted">
        <RelativeTime iso={push.startedAt} />
      </span>
    </>
  ) : (
    <span class="muted">no push yet</span>
  )
