import type { Context } from 'hono'
import type { PushRecord } from '../../../contract/admin-api/pushes.ts'
import { DISCONNECT_MESSAGES, type Finding } from '../../../contract/outcome.ts'
import { hasRole } from '../../../contract/role.ts'
import { formatBytes } from '../../../contract/text/format-bytes.ts'
import { escapeInvisible } from '../../../contract/text/invisible-characters.ts'
import { plural } from '../../../contract/text/plural.ts'
import { decisionsFor } from '../../../ledger/findings/pending-findings.ts'
import { findPush } from '../../../ledger/pushes/read-pushes.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { StepTimeline } from '../../charts/step-timeline.tsx'
import { Fact } from '../../components/fact.tsx'
import { duration } from '../../components/format-time.ts'
import { OutcomeBadge } from '../../components/outcome-badge.tsx'
import { statusText } from '../../components/push-row.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { TextBlock, UntrustedText } from '../../components/untrusted-text.tsx'
import { AllowAll, type FailedAllowAll } from '../../findings/allow-all.tsx'
import { type FailedDecision, FindingCard, failureFor } from '../../findings/finding-card.tsx'
import { pathOf } from '../../paths.ts'
import { ErrorMessage, notFoundPage, renderPage } from '../frame/layout.tsx'
import { PushedRefs } from './pushed-refs.tsx'

/** `GET /pushes/<id>`: the full record of a push, updated live while the push is open. */
export const showPush = (c: Context<ConsoleEnv>) => pushPage(c, c.req.param('id') ?? '')

/** A decision on findings of the push that the API rejected: on one finding's card, or on all. */
interface Failed {
  readonly decision?: FailedDecision
  readonly allowAll?: FailedAllowAll
}

/** Renders the page of a push, with the error of a failed decision on its findings. */
export async function pushPage(c: Context<ConsoleEnv>, id: string, failed?: Failed): Promise<Response> {
  const push = await findPush(c.env.LEDGER, id)
  if (!push) return notFoundPage(c, 'push with this id', pathOf.pushes, 'Pushes')
  return renderPage(c, {
    title: escapeInvisible(`${push.agent} to ${push.repository}`),
    section: 'Pushes',
    status: failed ? 409 : 200,
    children: (
      <>
        <div class="page-header">
          <h1>
            <UntrustedText text={push.agent} /> to <UntrustedText text={push.repository} />
          </h1>
          <PushState push={push} />
          {push.outcome === 'open' && <p class="live" role="status" id="live" />}
        </div>
        <PushBody c={c} push={push} failed={failed} />
        <p class="visually-hidden" role="status" id="announce">
          {statusText(push)}
        </p>
      </>
    ),
  })
}

/** The outcome beside the heading. browser/live.js replaces this element and the body. */
export const PushState = ({ push }: { push: PushRecord }) => (
  <p id="state">
    <OutcomeBadge outcome={push.outcome} step={push.step} />
  </p>
)

interface BodyProps {
  readonly c: Context<ConsoleEnv>
  readonly push: PushRecord
  readonly failed?: Failed | undefined
}

/** Everything below the heading of a push's page. */
export const PushBody = ({ c, push, failed }: BodyProps) => (
  <div id="push" {...(push.outcome === 'open' ? { 'data-live': `${pathOf.push(push.id)}/live` } : {})}>
    <ErrorMessage problem={failed?.allowAll?.problem} />
    <Facts push={push} />
    {push.findings.length > 0 && <Findings c={c} push={push} failed={failed} />}
    <PushedRefs c={c} push={push} />
    <section aria-labelledby="steps">
      <h2 id="steps">Steps</h2>
      {push.steps.length > 0 || push.outcome === 'open' ? (
        <StepTimeline push={push} />
      ) : (
        <p class="muted">The push ended before its first step.</p>
      )}
    </section>
    <section aria-labelledby="messages">
      <h2 id="messages">Messages to the agent</h2>
      {push.remoteLines.length > 0 ? (
        <TextBlock lines={push.remoteLines} />
      ) : (
        <p class="muted">None{push.outcome === 'open' ? ' yet' : ' besides git’s report'}.</p>
      )}
    </section>
    <section aria-labelledby="upstream">
      <h2 id="upstream">Upstream output</h2>
      {push.upstreamOutput ? (
        <TextBlock lines={push.upstreamOutput.replace(/\n$/, '').split('\n')} />
      ) : (
        <p class="muted">
          {push.steps.some(({ step }) => step === 'forwarding')
            ? 'None.'
            : 'The gate did not forward this push.'}
        </p>
      )}
    </section>
  </div>
)

const Findings = async ({ c, push, failed }: BodyProps) => {
  const { excepted, declined } = await decisionsFor(
    c.env.LEDGER,
    push.repository,
    push.findings.map(({ fingerprint }) => fingerprint),
  )
  const decisionFor = ({ fingerprint }: Finding) => {
    if (excepted.has(fingerprint)) return 'allowed'
    if (declined.has(fingerprint)) return 'declined'
    return push.outcome === 'refused' ? 'pending' : 'none'
  }
  const waiting = push.findings.filter(finding => decisionFor(finding) === 'pending').length
  return (
    <section aria-labelledby="findings">
      <h2 id="findings">{plural(push.findings.length, 'finding')}</h2>
      {waiting > 1 && hasRole(c.var.operator.roles, 'approver', { repository: push.repository }) && (
        <AllowAll c={c} push={push.id} waiting={waiting} failed={failed?.allowAll} />
      )}
      <ul class="cards">
        {push.findings.map(finding => (
          <li>
            <FindingCard
              c={c}
              finding={finding}
              repository={push.repository}
              push={push.id}
              returnTo={pathOf.push(push.id)}
              decision={decisionFor(finding)}
              failedAttempt={failureFor(failed?.decision, push.repository, finding)}
            />
          </li>
        ))}
      </ul>
    </section>
  )
}

const Facts = ({ push }: { push: PushRecord }) => (
  <dl class="facts">
    <Fact label="Started">
      <RelativeTime iso={push.startedAt} exact />
    </Fact>
    <Fact label="Duration">{push.outcome === 'open' ? 'in progress' : duration(push.ms)}</Fact>
    {push.disconnectReason && <Fact label="Disconnected">{DISCONNECT_MESSAGES[push.disconnectReason]}</Fact>}
    {push.scannedBytes > 0 && <Fact label="Scanned">{formatBytes(push.scannedBytes)}</Fact>}
    {push.lfsObjects.length > 0 && (
      <Fact label="LFS objects">
        {push.lfsObjects.map(({ path, size, oid }) => (
          <div>
            <UntrustedText text={path} mono /> {formatBytes(size)}{' '}
            <span class="muted">{oid.slice(0, 10)}</span>
          </div>
        ))}
      </Fact>
    )}
    <SenderFacts push={push} />
    <Fact label="Push">
      <UntrustedText text={push.id} mono />
    </Fact>
    <ResultFacts push={push} />
  </dl>
)

const SenderFacts = ({ push }: { push: PushRecord }) => (
  <>
    <Fact label="Agent">
      <a href={pathOf.agent(push.agent)}>
        <UntrustedText text={push.agent} />
      </a>
      <span class="muted"> with token </span>
      <UntrustedText text={push.tokenId} mono />
    </Fact>
    <Fact label="Repository">
      <a href={pathOf.repository(push.repository)}>
        <UntrustedText text={push.repository} />
      </a>
    </Fact>
    <Fact label="Client">
      <UntrustedText text={push.clientVersion || 'unknown'} />
      {push.clientAddress && (
        <span class="muted">
          {' from '}
          <UntrustedText text={push.clientAddress} />
        </span>
      )}
    </Fact>
  </>
)

const ResultFacts = ({ push }: { push: PushRecord }) => (
  <>
    {push.approval && (
      <Fact label="Approval">
        <a href={pathOf.approval(push.id)}>Show the approval</a>
      </Fact>
    )}
    {push.pullRequest && (
      <Fact label="Pull request">
        <a href={push.pullRequest.url} rel="noreferrer">
          <UntrustedText text={push.pullRequest.url} />
        </a>
      </Fact>
    )}
    {push.exceptionsUsed.length > 0 && (
      <Fact label="Exceptions used">
        {push.exceptionsUsed.map(id => (
          <>
            <UntrustedText text={id} mono />{' '}
          </>
        ))}
      </Fact>
    )}
  </>
)
