import type { Context } from 'hono'
import type { PushRecord } from '../../contract/api.ts'
import { inBytes } from '../../contract/format-bytes.ts'
import { visible } from '../../contract/invisible-characters.ts'
import { LET_GO } from '../../contract/outcome.ts'
import { decisionsFor } from '../../ledger/findings/pending-findings.ts'
import { findPush } from '../../ledger/pushes/read-pushes.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { FindingCard, type TriedDecision, triedOn } from '../components/finding-card.tsx'
import { duration } from '../components/format-time.ts'
import { State } from '../components/outcome-badge.tsx'
import { counted } from '../components/plural.ts'
import { changeOf, saying } from '../components/push-row.tsx'
import { When } from '../components/relative-time.tsx'
import { StepTimeline } from '../components/timeline.tsx'
import { Given, ObjectId, RefName, Said } from '../components/untrusted-text.tsx'
import { pathOf } from '../paths.ts'
import { notThere, page } from './layout.tsx'

/** `GET /pushes/<id>`: everything on record about one push; live while it goes on. */
export const showPush = (c: Context<ConsoleEnv>) => pushPage(c, c.req.param('id') ?? '')

/** The same, where it is to say that a decision about one of its findings was refused. */
export async function pushPage(c: Context<ConsoleEnv>, id: string, tried?: TriedDecision): Promise<Response> {
  const push = await findPush(c.env.LEDGER, id)
  if (!push) return notThere(c, 'push of this id', pathOf.pushes, 'Pushes')
  return page(c, {
    title: visible(`${push.agent} to ${push.repository}`),
    room: 'Pushes',
    status: tried ? 409 : 200,
    children: (
      <>
        <div class="head">
          <h1>
            <Given text={push.agent} /> to <Given text={push.repository} />
          </h1>
          <PushState push={push} />
          {push.outcome === 'open' && <p class="live" role="status" id="live" />}
        </div>
        <PushBody c={c} push={push} tried={tried} />
        <p class="unseen" role="status" id="announce">
          {saying(push)}
        </p>
      </>
    ),
  })
}

/** How a push stands, beside its heading. browser/live.js puts this and the body in the place of older ones. */
export const PushState = ({ push }: { push: PushRecord }) => (
  <p id="state">
    <State outcome={push.outcome} phase={push.phase} />
  </p>
)

/** The page of a push, as far as the push has come. */
export const PushBody = async ({
  c,
  push,
  tried,
}: {
  c: Context<ConsoleEnv>
  push: PushRecord
  tried?: TriedDecision | undefined
}) => {
  const decisions = await decisionsFor(
    c.env.LEDGER,
    push.repository,
    push.findings.map(each => each.fingerprint),
  )
  return (
    <div id="push" {...(push.outcome === 'open' ? { 'data-live': `${pathOf.push(push.id)}/live` } : {})}>
      <Facts push={push} />
      {push.findings.length > 0 && (
        <section aria-labelledby="findings">
          <h2 id="findings">{counted(push.findings.length, 'finding')}</h2>
          <ul class="cards">
            {push.findings.map(finding => (
              <li>
                <FindingCard
                  c={c}
                  finding={finding}
                  repository={push.repository}
                  level={3}
                  back={pathOf.push(push.id)}
                  standing={
                    decisions.excepted.has(finding.fingerprint)
                      ? 'excepted'
                      : decisions.declined.has(finding.fingerprint)
                        ? 'declined'
                        : push.outcome === 'refused'
                          ? 'waiting'
                          : 'none'
                  }
                  tried={triedOn(tried, push.repository, finding)}
                />
              </li>
            ))}
          </ul>
        </section>
      )}
      <Refs push={push} />
      <section aria-labelledby="steps">
        <h2 id="steps">Steps</h2>
        {push.steps.length > 0 || push.outcome === 'open' ? (
          <StepTimeline push={push} />
        ) : (
          <p class="quiet">It ended before its first step.</p>
        )}
      </section>
      <section aria-labelledby="told">
        <h2 id="told">What the agent was told</h2>
        {push.told.length > 0 ? (
          <Said lines={push.told} />
        ) : (
          <p class="quiet">Nothing{push.outcome === 'open' ? ' yet' : ' beyond git’s own report'}.</p>
        )}
      </section>
      <section aria-labelledby="upstream">
        <h2 id="upstream">What the upstream said</h2>
        {push.upstreamSaid ? (
          <Said lines={push.upstreamSaid.replace(/\n$/, '').split('\n')} />
        ) : (
          <p class="quiet">
            {push.steps.some(step => step.step === 'forwarding') ? 'Nothing.' : 'It was not asked.'}
          </p>
        )}
      </section>
    </div>
  )
}

const Facts = ({ push }: { push: PushRecord }) => (
  <dl class="facts">
    <div>
      <dt>Began</dt>
      <dd>
        <When iso={push.startedAt} exact />
      </dd>
    </div>
    <div>
      <dt>Took</dt>
      <dd>{push.outcome === 'open' ? 'in progress' : duration(push.ms)}</dd>
    </div>
    {push.reaped && (
      <div>
        <dt>Let go</dt>
        <dd>{LET_GO[push.reaped]}</dd>
      </div>
    )}
    {push.scannedBytes > 0 && (
      <div>
        <dt>Scanned</dt>
        <dd>{inBytes(push.scannedBytes)}</dd>
      </div>
    )}
    <div>
      <dt>Agent</dt>
      <dd>
        <a href={pathOf.agent(push.agent)}>
          <Given text={push.agent} />
        </a>
        <span class="quiet"> with token </span>
        <Given text={push.token} mono />
      </dd>
    </div>
    <div>
      <dt>Repository</dt>
      <dd>
        <a href={pathOf.repository(push.repository)}>
          <Given text={push.repository} />
        </a>
      </dd>
    </div>
    <div>
      <dt>Client</dt>
      <dd>
        <Given text={push.clientVersion || 'unknown'} />
        {push.clientAddress && (
          <span class="quiet">
            {' from '}
            <Given text={push.clientAddress} />
          </span>
        )}
      </dd>
    </div>
    <div>
      <dt>Push</dt>
      <dd>
        <Given text={push.id} mono />
      </dd>
    </div>
    {push.exceptionsUsed.length > 0 && (
      <div>
        <dt>Exceptions used</dt>
        <dd>
          {push.exceptionsUsed.map(id => (
            <>
              <Given text={id} mono />{' '}
            </>
          ))}
        </dd>
      </div>
    )}
  </dl>
)

const Refs = ({ push }: { push: PushRecord }) => (
  <section aria-labelledby="refs">
    <h2 id="refs">{push.refs.length === 1 ? 'Ref' : 'Refs'}</h2>
    {push.refs.length === 0 ? (
      <p class="quiet">The push has named none{push.outcome === 'open' ? ' yet' : ''}.</p>
    ) : (
      <table class="refs-table">
        <thead>
          <tr>
            <th scope="col">Ref</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Git’s report</th>
          </tr>
        </thead>
        <tbody>
          {push.refs.map(ref => (
            <tr>
              <th scope="row">
                <RefName name={ref.ref} /> <span class="quiet">{changeOf(ref)}</span>
              </th>
              <td data-label="From">
                <ObjectId id={ref.old} />
              </td>
              <td data-label="To">
                <ObjectId id={ref.new} />
              </td>
              <td data-label="Git’s report">
                {ref.status === null ? (
                  <span class="quiet">not yet</span>
                ) : (
                  <>
                    <strong class={ref.status}>{ref.status}</strong> <Given text={ref.reason} />
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
    {push.outcome === 'accepted' && (
      <p class="after">
        <a href={pathOf.introduced(push.id)}>See its commits and its diff</a>
      </p>
    )}
  </section>
)
