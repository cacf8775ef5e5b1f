import type { Context } from 'hono'
import { Agent } from '../contract/api.ts'
import { listAgents } from '../ledger/agents.ts'
import { listGrants } from '../ledger/grants.ts'
import { lastPushes } from '../ledger/last-pushes.ts'
import { listTokens } from '../ledger/tokens.ts'
import { askApi, type Refused } from './ask-api.ts'
import type { ConsoleEnv } from './env.ts'
import { Field } from './field.tsx'
import { Complaint, Form, Nothing, page } from './page.tsx'
import { pathOf } from './paths.ts'
import { counted, Given, LastPush } from './words.tsx'

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
  const now = new Date().toISOString()
  const working = tokens.filter(each => !each.revokedAt && (!each.expiresAt || each.expiresAt > now))
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
        <ul class="rows">
          {agents.map(each => {
            const push = last.get(each.name)
            const repositories = grants.filter(grant => grant.agent === each.name)
            return (
              <li>
                <a class="what" href={pathOf.agent(each.name)}>
                  <Given text={each.name} />
                </a>
                <span class="wide">
                  {repositories.length === 0 ? (
                    <span class="quiet">no repository</span>
                  ) : (
                    <>
                      {repositories.slice(0, 3).map((grant, i) => (
                        <>
                          {i > 0 && ', '}
                          <Given text={grant.repository} />
                        </>
                      ))}
                      {repositories.length > 3 && ` and ${repositories.length - 3} more`}
                    </>
                  )}
                </span>
                <span class="quiet">
                  {counted(working.filter(token => token.agent === each.name).length, 'token')}
                </span>
                <span>
                  <LastPush push={push} />
                </span>
              </li>
            )
          })}
        </ul>
        <details class="add" open={tried !== undefined || agents.length === 0}>
          <summary>Add an agent</summary>
          <Complaint refused={tried?.refused} />
          <Form c={c} action={pathOf.agents} class="fields">
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
            <span class="actions">
              <button type="submit" class="primary">
                Add
              </button>
            </span>
          </Form>
        </details>
      </>
    ),
  })
}
