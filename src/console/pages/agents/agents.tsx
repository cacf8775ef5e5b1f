import type { Context } from 'hono'
import { Agent } from '../../../contract/admin-api/agents.ts'
import { plural } from '../../../contract/text/plural.ts'
import { listAgents } from '../../../ledger/access/agents.ts'
import { listGrants } from '../../../ledger/access/grants.ts'
import { listTokens } from '../../../ledger/access/tokens.ts'
import { lastPushes } from '../../../ledger/pushes/last-pushes.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { isActive } from '../../components/is-active.ts'
import { ResourceList } from '../../components/resource-list.tsx'
import { UntrustedText } from '../../components/untrusted-text.tsx'
import { type ApiProblem, callApi } from '../../forms/call-api.ts'
import { DisclosureForm } from '../../forms/disclosure-form.tsx'
import { LineField } from '../../forms/text-fields.tsx'
import { pathOf } from '../../paths.ts'
import { EmptyState, renderPage } from '../frame/layout.tsx'

/** `GET /agents` */
export const showAgents = (c: Context<ConsoleEnv>) => agentsPage(c)

/** `POST /agents`: adds an agent. */
export async function addAgent(c: Context<ConsoleEnv>): Promise<Response> {
  const { name } = await c.req.parseBody()
  const added = await callApi(c, Agent, 'POST', '/agents', { name: String(name ?? '').trim() })
  if (added.ok) return c.redirect(pathOf.agent(added.value.name), 303)
  return agentsPage(c, { problem: added.problem, name: String(name ?? '') })
}

/** A submitted name that the API rejected. */
interface FailedAttempt {
  readonly problem: ApiProblem
  readonly name: string
}

async function agentsPage(c: Context<ConsoleEnv>, failedAttempt?: FailedAttempt): Promise<Response> {
  const ledger = c.env.LEDGER
  const [agents, grants, tokens] = await Promise.all([
    listAgents(ledger),
    listGrants(ledger),
    listTokens(ledger),
  ])
  const last = await lastPushes(
    ledger,
    'agent',
    agents.map(({ name }) => name),
  )
  const activeTokens = tokens.filter(isActive)
  return renderPage(c, {
    title: 'Agents',
    section: 'Agents',
    status: failedAttempt ? 400 : 200,
    children: (
      <>
        <div class="page-header">
          <h1>Agents</h1>
          <p>{plural(agents.length, 'agent')}</p>
        </div>
        {agents.length === 0 && (
          <EmptyState title="There is no agent yet.">
            <p>Add an agent here. Then add a grant, and mint a token.</p>
          </EmptyState>
        )}
        <ResourceList
          resources={agents.map(({ name }) => ({
            name,
            href: pathOf.agent(name),
            description: (
              <AgentRepositories
                repositories={grants.filter(({ agent }) => agent === name).map(grant => grant.repository)}
              />
            ),
            count: plural(activeTokens.filter(({ agent }) => agent === name).length, 'token'),
          }))}
          lastPushes={last}
        />
        <AddAgentForm c={c} open={agents.length === 0} failedAttempt={failedAttempt} />
      </>
    ),
  })
}

interface FormProps {
  readonly c: Context<ConsoleEnv>
  readonly open: boolean
  readonly failedAttempt: FailedAttempt | undefined
}

const AddAgentForm = ({ c, open, failedAttempt }: FormProps) => (
  <DisclosureForm
    c={c}
    summary="Add an agent"
    action={pathOf.agents}
    button="Add"
    open={open}
    problem={failedAttempt?.problem}
  >
    <LineField
      id="name"
      label="Name"
      hint="a-z, 0-9, “.”, “_” and “-”"
      name="name"
      required
      maxlength={63}
      value={failedAttempt?.name}
      placeholder="ada"
    />
  </DisclosureForm>
)

/** The agent's first repositories, and the number of the others. */
const AgentRepositories = ({ repositories }: { repositories: readonly string[] }) =>
  repositories.length === 0 ? (
    <span class="muted">no repository</span>
  ) : (
    <>
      {repositories.slice(0, 3).map((name, i) => (
        <>
          {i > 0 && ', '}
          <UntrustedText text={name} />
        </>
      ))}
      {repositories.length > 3 && ` and ${repositories.length - 3} more`}
    </>
  )
