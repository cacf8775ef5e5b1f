import type { Context } from 'hono'
import { z } from 'zod'
import { listDeclined } from '../../ledger/findings/declines.ts'
import { listExceptions } from '../../ledger/findings/exceptions.ts'
import {
  countPending,
  listPending,
  PENDING_DAYS,
  type PendingFinding,
} from '../../ledger/findings/pending-findings.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { Declines, Exceptions } from '../components/decisions.tsx'
import { FindingCard, type TriedDecision, triedOn } from '../components/finding-card.tsx'
import { holdsNow } from '../components/is-active.ts'
import { counted } from '../components/plural.ts'
import { When } from '../components/relative-time.tsx'
import { Given } from '../components/untrusted-text.tsx'
import type { Refused } from '../forms/call-api.ts'
import { pathOf } from '../paths.ts'
import { Complaint, Nothing, page } from './layout.tsx'

/** Which part of what waits, and of what was declined, is asked for; what cannot be read is the first. */
const Asked = z.object({
  after: z.string().max(300).optional().catch(undefined),
  declined: z.coerce.number().int().nonnegative().catch(0),
})

/** `GET /waiting`: the findings that wait for a decision, and the decisions that hold. */
export const showWaiting = (c: Context<ConsoleEnv>) => waitingPage(c, Asked.parse(c.req.query()))

interface Shown {
  /** The place after which the findings begin. */
  readonly after?: string | undefined
  /** The first of the declined findings that is shown. */
  readonly declined?: number
  /** A decision that was refused. */
  readonly tried?: TriedDecision
  /** What else was refused. */
  readonly refused?: Refused
}

export async function waitingPage(
  c: Context<ConsoleEnv>,
  { after, declined: from = 0, tried, refused = tried?.refused }: Shown,
): Promise<Response> {
  const ledger = c.env.LEDGER
  const [{ waiting, next }, total, exceptions, declined] = await Promise.all([
    listPending(ledger, after),
    countPending(ledger),
    listExceptions(ledger),
    listDeclined(ledger),
  ])
  const onCard = waiting.some(each => triedOn(tried, each.repository, each.finding))
  return page(c, {
    title: 'Waiting for you',
    room: 'Waiting for you',
    status: refused ? 409 : 200,
    children: (
      <>
        <div class="head">
          <h1>Waiting for you</h1>
          <p>
            {total === 0 ? 'nothing' : counted(total, 'finding')} in the last {PENDING_DAYS} days
            {after !== undefined && (
              <>
                . <a href={pathOf.waiting}>Back to the first</a>
              </>
            )}
          </p>
        </div>
        <Complaint refused={onCard ? undefined : refused} />
        {waiting.length > 0 ? (
          <ul class="cards">
            {waiting.map(each => (
              <li>
                <WhichPush each={each} />
                <FindingCard
                  c={c}
                  finding={each.finding}
                  repository={each.repository}
                  level={2}
                  back={partOf(after)}
                  standing="waiting"
                  tried={triedOn(tried, each.repository, each.finding)}
                />
              </li>
            ))}
          </ul>
        ) : total > 0 ? (
          <Nothing title="No finding waits further down.">
            <p>
              <a href={pathOf.waiting}>Back to the first</a>
            </p>
          </Nothing>
        ) : (
          <Nothing title="No finding waits for a decision.">
            <p>
              When a push is refused for what looks like a secret, the finding is here, and you can let it
              pass or decline. <a href={`${pathOf.pushes}?outcome=refused`}>See what was refused</a>.
            </p>
          </Nothing>
        )}
        {next !== null && (
          <p class="older">
            <a href={partOf(next)}>Next findings</a>
          </p>
        )}
        <Exceptions c={c} holding={exceptions.filter(holdsNow)} />
        {declined.length > 0 && <Declines c={c} declined={declined} from={from} />}
      </>
    ),
  })
}

const partOf = (after: string | undefined) =>
  after === undefined ? pathOf.waiting : `${pathOf.waiting}?${new URLSearchParams({ after })}`

const WhichPush = ({ each }: { each: PendingFinding }) => (
  <p class="context">
    <a href={pathOf.push(each.push)}>
      <Given text={each.agent} /> to <Given text={each.repository} />
    </a>
    <span class="quiet">
      {' '}
      refused {each.pushes > 1 ? `${each.pushes} times, last ` : ''}
      <When iso={each.lastAt} />
    </span>
  </p>
)
