import type { Child } from 'hono/jsx'
import type { LastPush } from '../../ledger/pushes/last-pushes.ts'
import { State } from './outcome-badge.tsx'
import { When } from './relative-time.tsx'
import { Given } from './untrusted-text.tsx'

interface Row {
  readonly name: string
  readonly href: string
  readonly about: Child
  /** How many it has of what belongs to it. */
  readonly has: string
}

/** Repositories or agents, a line each, with how the newest push of each stands. */
export const Rows = ({ rows, last }: { rows: readonly Row[]; last: ReadonlyMap<string, LastPush> }) => (
  <ul class="rows">
    {rows.map(({ name, href, about, has }) => (
      <li>
        <a class="what" href={href}>
          <Given text={name} />
        </a>
        <span class="wide">{about}</span>
        <span class="quiet">{has}</span>
        <span>
          <Newest push={last.get(name)} />
        </span>
      </li>
    ))}
  </ul>
)

const Newest = ({ push }: { push: LastPush | undefined }) =>
  push ? (
    <>
      <State outcome={push.outcome} phase={push.phase} />{' '}
      <span class="quiet">
        <When iso={push.startedAt} />
      </span>
    </>
  ) : (
    <span class="quiet">no push yet</span>
  )
