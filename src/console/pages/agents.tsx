import type { Context } from 'hono'
import { Agent } from '../../contract/api.ts'
import { listAgents } from '../../ledger/access/agents.ts'
import { listGrants } from '../../ledger/access/grants.ts'
import { listTokens } from '../../ledger/access/tokens.ts'
import { lastPushes } from '../../ledger/pushes/last-pushes.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { holdsNow } from '../components/is-active.ts'
import { counted } from '../components/plural.ts'
import { Rows } from '../components/resource-list.tsx'
import { Given } from '../components/untrusted-text.tsx'
import { askApi, type Refused } from '../forms/call-api.ts'
import { FoldedForm } from '../forms/disclosure-form.tsx'
import { Field } from '../forms/field.tsx'
import { pathOf } from '../paths.ts'
import { Nothing, page } from './layout.tsx'

/** `GET /agents` */
export const showAgents = (c: Context<ConsoleEnv>) => agentsPage(c)

/** `POST /agents` */
export async function addAgent(c: Context<ConsoleEnv>): Promise<Response> {
  const { name } = await c.req.parseBody()
  const added = await askApi(c, Agent, 'POST', '/agents', { name: String(name ?? '').trim() })
  if (added.ok) return c.redirect(pathOf.agent(added.value.name), 303)
  return agentsPage(c, { refused: added.refused, name: String(name ?? '') })
}

async function agentsPage(
  c: Context<ConsoleEnv>,
  tried?: { refused: Refused; name: string },
): Promise<Response> {
  const ledger = c.env.LEDGER
  const [agents, grants, tokens] = await Promise.all([
    listAgents(ledger),
    listGrants(ledger),
    listTokens(ledger),
  ])
  const last = await lastPushes(
    ledger,
    'agent',
    agents.map(each => each.name),
  )
  const working = tokens.filter(holdsNow)
  return page(c, {
    title: 'Agents',
    room: 'Agents',
    status: tried ? 400 : 200,
    children: (
      <>
        <div class="head">
          <h1>Agents</h1>
          <p>{counted(agents.length, 'agent')} known to the gate</p>
        </div>
        {agents.length === 0 && (
          <Nothing title="No agent is known yet.">
            <p>Make one here; then say what it may push, and mint it a token.</p>
          </Nothing>
        )}
        <Rows
          rows={agents.map(({ name }) => ({
            name,
            href: pathOf.agent(name),
            about: (
              <Where
                repositories={grants.filter(({ agent }) => agent === name).map(each => each.repository)}
              />
            ),
            has: counted(working.filter(({ agent }) => agent === name).length, 'token'),
          }))}
          last={last}
        />
        <FoldedForm
          c={c}
          summary="Add an agent"
          action={pathOf.agents}
          button="Add"
          open={agents.length === 0}
          refused={tried?.refused}
        >
          <Field id="name" label="Name" hint="a-z, 0-9, “.”, “_” and “-”">
            <input
              id="name"
              name="name"
              aria-describedby="name-hint"
              required
              maxlength={63}
              value={tried?.name ?? ''}
              placeholder="ada"
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
            />
          </Field>
        </FoldedForm>
      </>
    ),
  })
}

/** The first of an agent's repositories, and how many more there are. */
const Where = ({ repositories }: { repositories: readonly string[] }) =>
  repositories.length === 0 ? (
    <span class="quiet">no repository</span>
  ) : (
    <>
      {repositories.slice(0, 3).map((name, i) => (
        <>
          {i > 0 && ', '}
          <Given text={name} />
        </>
      ))}
      {repositories.length > 3 && ` and ${repositories.length - 3} more`}
    </>
  )
