import type { Context } from 'hono'
import { AgentGrant } from '../../../contract/admin-api/agents.ts'
import { MintedToken, Token } from '../../../contract/admin-api/tokens.ts'
import { escapeInvisible } from '../../../contract/text/invisible-characters.ts'
import { findAgent } from '../../../ledger/access/agents.ts'
import { listGrants } from '../../../ledger/access/grants.ts'
import { listRepositories } from '../../../ledger/access/repositories.ts'
import { listTokens } from '../../../ledger/access/tokens.ts'
import { listActivity } from '../../../ledger/pushes/activity.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { ActivityList } from '../../components/activity.tsx'
import { type FailedGrant, Grants } from '../../components/grants.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { INVALID_LIFETIME, lifetimeOf } from '../../components/tokens/token-lifetimes.tsx'
import { Tokens } from '../../components/tokens/tokens.tsx'
import { UntrustedText } from '../../components/untrusted-text.tsx'
import { type ApiProblem, callApi } from '../../forms/call-api.ts'
import { GrantForm } from '../../forms/grant-form.ts'
import { pathOf } from '../../paths.ts'
import { notFoundPage, renderPage } from '../frame/layout.tsx'
import { currentGrant, grantConflict, setGrant } from './grant.tsx'

const agentParam = (c: Context<ConsoleEnv>) => c.req.param('name') ?? ''

/** `GET /agents/<name>` */
export const showAgent = (c: Context<ConsoleEnv>) => agentPage(c, {})

/** `POST /agents/<name>/tokens`: mints a token. No other page ever shows it. */
export async function mintToken(c: Context<ConsoleEnv>): Promise<Response> {
  const { label, expires } = await c.req.parseBody()
  const lifetime = lifetimeOf(expires)
  if (!lifetime) return agentPage(c, { tokenProblem: INVALID_LIFETIME })
  const minted = await callApi(c, MintedToken, 'POST', '/tokens', {
    agent: agentParam(c),
    label: String(label ?? '').trim(),
    expiresAt: lifetime.expiresAt,
  })
  return agentPage(c, minted.ok ? { minted: minted.value } : { tokenProblem: minted.problem })
}

/** `POST /agents/<name>/revoke`: revokes a token. */
export async function revokeToken(c: Context<ConsoleEnv>): Promise<Response> {
  const { id } = await c.req.parseBody()
  const revoked = await callApi(c, Token, 'DELETE', `/tokens/${encodeURIComponent(String(id))}`)
  if (revoked.ok) return c.redirect(`${pathOf.agent(agentParam(c))}#tokens`, 303)
  return agentPage(c, { tokenProblem: revoked.problem })
}

/** `POST /agents/<name>/grants`: adds a grant; 409 when the agent already has a grant in the repository. */
export async function addGrant(c: Context<ConsoleEnv>): Promise<Response> {
  const body = await c.req.parseBody()
  const form = GrantForm.parse(body)
  const repository = String(body.repository ?? '')
  const current = await currentGrant(c.env.LEDGER, agentParam(c), repository)
  if (current?.terms) return grantConflict(c, current, form)
  const added = await setGrant(c, agentParam(c), repository, form)
  if (added.ok) return c.redirect(`${pathOf.agent(agentParam(c))}#grants`, 303)
  return agentPage(c, { grant: { problem: added.problem, form, repository } })
}

/** `POST /agents/<name>/remove-grant`: removes the agent's grant in a repository. */
export async function removeGrant(c: Context<ConsoleEnv>): Promise<Response> {
  const { repository } = await c.req.parseBody()
  const path = `/grants/${encodeURIComponent(agentParam(c))}/${encodeURIComponent(String(repository))}`
  const removed = await callApi(c, AgentGrant, 'DELETE', path)
  if (removed.ok) return c.redirect(`${pathOf.agent(agentParam(c))}#grants`, 303)
  return agentPage(c, { grant: { problem: removed.problem } })
}

/** The page shows this many of the newest pushes and fetches. */
const MAX_ACTIVITY = 20

interface PageState {
  readonly minted?: MintedToken
  readonly tokenProblem?: ApiProblem
  readonly grant?: FailedGrant
}

async function agentPage(c: Context<ConsoleEnv>, state: PageState): Promise<Response> {
  const ledger = c.env.LEDGER
  const agent = await findAgent(ledger, agentParam(c))
  if (!agent) return notFoundPage(c, 'agent with this name', pathOf.agents, 'Agents')
  const { name } = agent
  const [grants, tokens, repositories, { items }] = await Promise.all([
    listGrants(ledger, { agent: name }),
    listTokens(ledger, name),
    listRepositories(ledger),
    listActivity(ledger, { agent: name, limit: MAX_ACTIVITY }),
  ])
  return renderPage(c, {
    title: escapeInvisible(name),
    section: 'Agents',
    status: state.tokenProblem || state.grant ? 400 : 200,
    children: (
      <>
        <div class="page-header">
          <h1>
            <UntrustedText text={name} />
          </h1>
          <p>
            added <RelativeTime iso={agent.createdAt} />. <a href={pathOf.agentDay(name)}>Today’s activity</a>
          </p>
        </div>
        <Tokens
          c={c}
          agent={name}
          tokens={tokens}
          grants={grants}
          minted={state.minted}
          problem={state.tokenProblem}
        />
        <Grants c={c} agent={name} grants={grants} repositories={repositories} failedAttempt={state.grant} />
        <section aria-labelledby="latest">
          <h2 id="latest">Recent activity</h2>
          <ActivityList items={items} />
          {items.some(({ kind }) => kind === 'push') && (
            <p>
              <a href={`${pathOf.pushes}?${new URLSearchParams({ agent: name })}`}>
                All pushes of this agent
              </a>
            </p>
          )}
        </section>
      </>
    ),
  })
}
