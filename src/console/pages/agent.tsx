import type { Context } from 'hono'
import { AgentGrant, MintedToken, Token } from '../../contract/api.ts'
import { visible } from '../../contract/invisible-characters.ts'
import { findAgent } from '../../ledger/access/agents.ts'
import { listGrants } from '../../ledger/access/grants.ts'
import { listRepositories } from '../../ledger/access/repositories.ts'
import { listTokens } from '../../ledger/access/tokens.ts'
import { listFetches } from '../../ledger/pushes/fetches.ts'
import { listPushRows } from '../../ledger/pushes/push-summaries.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { Activity } from '../components/activity.tsx'
import { Grants, type TriedGrant } from '../components/grants.tsx'
import { When } from '../components/relative-time.tsx'
import { EXPIRY, Tokens } from '../components/tokens.tsx'
import { Given } from '../components/untrusted-text.tsx'
import { askApi, type Refused } from '../forms/call-api.ts'
import { TermsForm } from '../forms/grant-form.ts'
import { pathOf } from '../paths.ts'
import { grantChanged, setGrant, standingGrant } from './grant.tsx'
import { notThere, page } from './layout.tsx'

const nameIn = (c: Context<ConsoleEnv>) => c.req.param('name') ?? ''

/** `GET /agents/<name>` */
export const showAgent = (c: Context<ConsoleEnv>) => agentPage(c, {})

const NO_SUCH_END: Refused = {
  code: 'bad-request',
  message: 'a token cannot hold for the time that was asked for, so none was minted',
  fix: `Pick one of these: ${EXPIRY.map(({ words }) => words).join(', ')}`,
}

/** `POST /agents/<name>/tokens`: the answer is the only page that ever shows the token. */
export async function mintToken(c: Context<ConsoleEnv>): Promise<Response> {
  const { label, expires } = await c.req.parseBody()
  const holds = EXPIRY.find(each => String(each.days) === expires)
  if (!holds) return agentPage(c, { tokenRefused: NO_SUCH_END })
  const { days } = holds
  const minted = await askApi(c, MintedToken, 'POST', '/tokens', {
    agent: nameIn(c),
    label: String(label ?? '').trim(),
    expiresAt: days === null ? null : new Date(Date.now() + days * 86_400_000).toISOString(),
  })
  return agentPage(c, minted.ok ? { minted: minted.value } : { tokenRefused: minted.refused })
}

/** `POST /agents/<name>/revoke`: a token ends at once. */
export async function revokeToken(c: Context<ConsoleEnv>): Promise<Response> {
  const { id } = await c.req.parseBody()
  const revoked = await askApi(c, Token, 'DELETE', `/tokens/${encodeURIComponent(String(id))}`)
  if (revoked.ok) return c.redirect(`${pathOf.agent(nameIn(c))}#tokens`, 303)
  return agentPage(c, { tokenRefused: revoked.refused })
}

/** `POST /agents/<name>/grants` */
export async function giveGrant(c: Context<ConsoleEnv>): Promise<Response> {
  const sent = await c.req.parseBody()
  const form = TermsForm.parse(sent)
  const repository = String(sent.repository ?? '')
  const now = await standingGrant(c.env.LEDGER, nameIn(c), repository)
  if (now?.terms) return grantChanged(c, now, form)
  const given = await setGrant(c, nameIn(c), repository, form)
  if (given.ok) return c.redirect(`${pathOf.agent(nameIn(c))}#grants`, 303)
  return agentPage(c, { grant: { refused: given.refused, form, repository } })
}

/** `POST /agents/<name>/take-grant`: the agent is off a repository. */
export async function takeGrant(c: Context<ConsoleEnv>): Promise<Response> {
  const { repository } = await c.req.parseBody()
  const path = `/grants/${encodeURIComponent(nameIn(c))}/${encodeURIComponent(String(repository))}`
  const taken = await askApi(c, AgentGrant, 'DELETE', path)
  if (taken.ok) return c.redirect(`${pathOf.agent(nameIn(c))}#grants`, 303)
  return agentPage(c, { grant: { refused: taken.refused } })
}

/** So many of its pushes, and of its fetches, are shown. */
const LATEST = 10

interface Tried {
  readonly minted?: MintedToken
  readonly tokenRefused?: Refused
  readonly grant?: TriedGrant
}

async function agentPage(c: Context<ConsoleEnv>, tried: Tried): Promise<Response> {
  const ledger = c.env.LEDGER
  const agent = await findAgent(ledger, nameIn(c))
  if (!agent) return notThere(c, 'agent of this name', pathOf.agents, 'Agents')
  const { name } = agent
  const [grants, tokens, repositories, { pushes }, fetches] = await Promise.all([
    listGrants(ledger, { agent: name }),
    listTokens(ledger, name),
    listRepositories(ledger),
    listPushRows(ledger, { agent: name, limit: LATEST }),
    listFetches(ledger, { agent: name, limit: LATEST }),
  ])
  return page(c, {
    title: visible(name),
    room: 'Agents',
    status: tried.tokenRefused || tried.grant ? 400 : 200,
    children: (
      <>
        <div class="head">
          <h1>
            <Given text={name} />
          </h1>
          <p>
            added <When iso={agent.createdAt} />
          </p>
        </div>
        <Tokens
          c={c}
          agent={name}
          tokens={tokens}
          grants={grants}
          minted={tried.minted}
          refused={tried.tokenRefused}
        />
        <Grants c={c} agent={name} grants={grants} repositories={repositories} tried={tried.grant} />
        <section aria-labelledby="latest">
          <h2 id="latest">What it did lately</h2>
          <Activity pushes={pushes} fetches={fetches} />
          {pushes.length > 0 && (
            <p>
              <a href={`${pathOf.pushes}?${new URLSearchParams({ agent: name })}`}>All its pushes</a>
            </p>
          )}
        </section>
      </>
    ),
  })
}
