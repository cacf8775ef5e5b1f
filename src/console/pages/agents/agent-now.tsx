import type { AgentGrant } from '../../../contract/admin-api/agents.ts'
import type { Approval } from '../../../contract/admin-api/approvals.ts'
import type { Token } from '../../../contract/admin-api/tokens.ts'
import { plural } from '../../../contract/text/plural.ts'
import { listGrants } from '../../../ledger/access/grants.ts'
import { listTokens } from '../../../ledger/access/tokens.ts'
import { listApprovals } from '../../../ledger/approvals/approvals.ts'
import { type PendingOfAgent, pendingOfAgent } from '../../../ledger/findings/pending-findings.ts'
import { GrantList } from '../../components/grants.tsx'
import { isActive } from '../../components/is-active.ts'
import { RelativeTime } from '../../components/relative-time.tsx'
import { TokenItem } from '../../components/tokens/token-list.tsx'
import { UntrustedText } from '../../components/untrusted-text.tsx'
import { pathOf } from '../../paths.ts'

interface Props {
  readonly ledger: D1Database
  readonly agent: string
}

/** An agent's pushes and findings that wait for a decision. */
export const AgentWaits = async ({ ledger, agent }: Props) => {
  const [{ approvals, next }, pending] = await Promise.all([
    listApprovals(ledger, { agent, state: 'waiting' }),
    pendingOfAgent(ledger, agent),
  ])
  return <Waiting agent={agent} approvals={approvals} hasMore={next !== null} pending={pending} />
}

/** An agent's present rights: its tokens in force, its grants. */
export const AgentRights = async ({ ledger, agent }: Props) => {
  const [tokens, grants] = await Promise.all([listTokens(ledger, agent), listGrants(ledger, { agent })])
  return (
    <>
      <Tokens agent={agent} tokens={tokens.filter(isActive)} />
      <Grants agent={agent} grants={grants} />
    </>
  )
}

const Waiting = ({
  agent,
  approvals,
  hasMore,
  pending,
}: {
  agent: string
  approvals: readonly Approval[]
  hasMore: boolean
  pending: readonly PendingOfAgent[]
}) => (
  <section aria-labelledby="waiting">
    <h2 id="waiting">Waits for a decision</h2>
    {approvals.length + pending.length === 0 && <p class="muted">No decision is pending.</p>}
    <ul class="plain-list">
      {approvals.map(({ id, repository, asks, createdAt }) => (
        <li>
          <span>
            <a href={pathOf.approval(id)}>
              a push to <UntrustedText text={repository} />
            </a>
          </span>
          <p class="muted small">
            waiting since <RelativeTime iso={createdAt} /> for: <UntrustedText text={asks.join('; ')} />
          </p>
        </li>
      ))}
      {hasMore && (
        <li>
          <a href={`${pathOf.approvals}?${new URLSearchParams({ agent })}`}>
            All pushes of this agent that wait
          </a>
        </li>
      )}
      {pending.map(({ push, repository, findings, lastAt }) => (
        <li>
          <span>
            <a href={pathOf.push(push)}>
              {plural(findings, 'finding')} in <UntrustedText text={repository} />
            </a>
          </span>
          <p class="muted small">
            last refused <RelativeTime iso={lastAt} />
          </p>
        </li>
      ))}
    </ul>
  </section>
)

const Tokens = ({ agent, tokens }: { agent: string; tokens: readonly Token[] }) => (
  <section aria-labelledby="tokens">
    <h2 id="tokens">Tokens in force</h2>
    {tokens.length === 0 && (
      <p class="muted">
        None: the agent can neither fetch nor push. <a href={`${pathOf.agent(agent)}#tokens`}>Mint a token</a>
      </p>
    )}
    <ul class="plain-list">
      {tokens.map(token => (
        <TokenItem token={token} />
      ))}
    </ul>
  </section>
)

const Grants = ({ agent, grants }: { agent: string; grants: readonly AgentGrant[] }) => (
  <section aria-labelledby="grants">
    <h2 id="grants">Grants</h2>
    {grants.length === 0 && (
      <p class="muted">
        None: the agent has no access to any repository.{' '}
        <a href={`${pathOf.agent(agent)}#grants`}>Add a grant</a>
      </p>
    )}
    <GrantList
      grants={grants}
      nameOf={grant => grant.repository}
      href={grant => pathOf.grant(agent, grant.repository)}
    />
  </section>
)
