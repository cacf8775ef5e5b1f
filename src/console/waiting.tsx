import type { Context } from 'hono'
import { z } from 'zod'
import { Declined, GrantedException } from '../contract/api.ts'
import { listDeclined } from '../ledger/declines.ts'
import { listExceptions } from '../ledger/exceptions.ts'
import { listWaiting, WAITING_DAYS, type WaitingFinding } from '../ledger/waiting.ts'
import { askApi, type Refused } from './ask-api.ts'
import { counted } from './counted.ts'
import type { ConsoleEnv } from './env.ts'
import { FindingCard, UNTIL } from './finding.tsx'
import { Given } from './given.tsx'
import { holdsNow } from './holds.ts'
import { Complaint, Form, Nothing, page } from './page.tsx'
import { isOwnPath, pathOf } from './paths.ts'
import { When } from './when.tsx'

/** What an exception's reason says where the operator gave none: the record shows who and when anyway. */
const NO_REASON = 'allowed in the console, no reason given'

/** `GET /waiting`: the findings that wait for a decision, and the decisions that hold. */
export const showWaiting = (c: Context<ConsoleEnv>) => waitingPage(c)

const Decision = z.object({
  decision: z.enum(['allow', 'decline']),
  repository: z.string(),
  fingerprint: z.string(),
  reason: z.string().trim(),
  until: z.enum(['day', 'week', 'month', 'ever']),
  back: z.string().refine(isOwnPath),
})

/** `POST /waiting/decide` */
export async function decide(c: Context<ConsoleEnv>): Promise<Response> {
  const read = Decision.safeParse(await c.req.parseBody())
  if (!read.success) return c.text('This form is incomplete. Open the page anew and send it again.', 400)
  const { decision, repository, fingerprint, reason, until, back } = read.data
  const { hours } = UNTIL[until]
  const done =
    decision === 'allow'
      ? await askApi(c, GrantedException, 'POST', '/exceptions', {
          repository,
          fingerprint,
          reason: reason || NO_REASON,
          until: hours === null ? null : new Date(Date.now() + hours * 3_600_000).toISOString(),
        })
      : await askApi(c, Declined, 'POST', '/declines', { repository, fingerprint, reason })
  return done.ok ? c.redirect(back, 303) : waitingPage(c, done.refused)
}

/** `POST /waiting/revoke`: an exception ends. */
export async function revokeException(c: Context<ConsoleEnv>): Promise<Response> {
  const { id } = await c.req.parseBody()
  const done = await askApi(c, GrantedException, 'DELETE', `/exceptions/${encodeURIComponent(String(id))}`)
  return done.ok ? c.redirect(pathOf.waiting, 303) : waitingPage(c, done.refused)
}

/** `POST /waiting/take-back`: a declined finding waits again. */
export async function takeBack(c: Context<ConsoleEnv>): Promise<Response> {
  const { repository, fingerprint } = await c.req.parseBody()
  const path = `/declines/${encodeURIComponent(String(repository))}/${encodeURIComponent(String(fingerprint))}`
  const done = await askApi(c, z.object({}), 'DELETE', path)
  return done.ok ? c.redirect(pathOf.waiting, 303) : waitingPage(c, done.refused)
}

async function waitingPage(c: Context<ConsoleEnv>, refused?: Refused): Promise<Response> {
  const ledger = c.env.LEDGER
  const [waiting, exceptions, declined] = await Promise.all([
    listWaiting(ledger),
    listExceptions(ledger),
    listDeclined(ledger),
  ])
  const holding = exceptions.filter(holdsNow)
  return page(c, {
    title: 'Waiting for you',
    room: 'Waiting for you',
    status: refused ? 409 : 200,
    children: (
      <>
        <div class="head">
          <h1>Waiting for you</h1>
          <p>
            {waiting.length === 0 ? 'nothing' : counted(waiting.length, 'finding')} in the last {WAITING_DAYS}{' '}
            days
          </p>
        </div>
        <Complaint refused={refused} />
        {waiting.length === 0 ? (
          <Nothing title="No finding waits for a decision.">
            <p>
              When a push is refused for what looks like a secret, the finding is here, and you can let it
              pass or decline. <a href={`${pathOf.pushes}?outcome=refused`}>See what was refused</a>.
            </p>
          </Nothing>
        ) : (
          <ul class="cards">
            {waiting.map(each => (
              <li>
                <WhichPush each={each} />
                <FindingCard
                  c={c}
                  finding={each.finding}
                  repository={each.repository}
                  level={2}
                  back={pathOf.waiting}
                  standing="waiting"
                />
              </li>
            ))}
          </ul>
        )}
        <section aria-labelledby="exceptions">
          <h2 id="exceptions">Exceptions that hold</h2>
          {holding.length === 0 && <p class="quiet">None: every finding is refused.</p>}
          <ul class="plain-list">
            {holding.map(each => (
              <li>
                <Given text={each.reason} />
                <p class="quiet small">
                  <Given text={each.fingerprint} mono /> in <Given text={each.repository} />, by{' '}
                  <Given text={each.grantedBy} /> <When iso={each.createdAt} />
                  {each.until ? (
                    <>
                      ; ends <When iso={each.until} />
                    </>
                  ) : (
                    '; until it is revoked'
                  )}
                </p>
                <Form c={c} action={`${pathOf.waiting}/revoke`}>
                  <input type="hidden" name="id" value={each.id} />
                  <button type="submit">
                    Revoke<span class="unseen"> the exception {each.id}</span>
                  </button>
                </Form>
              </li>
            ))}
          </ul>
        </section>
        {declined.length > 0 && (
          <section aria-labelledby="declined">
            <h2 id="declined">Declined</h2>
            <ul class="plain-list">
              {declined.map(each => (
                <li>
                  <Given text={each.reason || 'no reason given'} />
                  <p class="quiet small">
                    <Given text={each.fingerprint} mono /> in <Given text={each.repository} />, by{' '}
                    <Given text={each.declinedBy} /> <When iso={each.createdAt} />
                  </p>
                  <Form c={c} action={`${pathOf.waiting}/take-back`}>
                    <input type="hidden" name="repository" value={each.repository} />
                    <input type="hidden" name="fingerprint" value={each.fingerprint} />
                    <button type="submit">
                      Take back<span class="unseen"> the decline of {each.fingerprint}</span>
                    </button>
                  </Form>
                </li>
              ))}
            </ul>
          </section>
        )}
      </>
    ),
  })
}

const WhichPush = ({ each }: { each: WaitingFinding }) => (
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
