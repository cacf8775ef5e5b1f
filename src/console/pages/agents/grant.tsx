import type { Context } from 'hono'
import { AgentGrant } from '../../../contract/admin-api/agents.ts'
import type { GrantTerms } from '../../../contract/grant.ts'
import type { AgentName, RepositoryName } from '../../../contract/names.ts'
import { escapeInvisible } from '../../../contract/text/invisible-characters.ts'
import { findAgent } from '../../../ledger/access/agents.ts'
import { listGrants } from '../../../ledger/access/grants.ts'
import { findRepository } from '../../../ledger/access/repositories.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { formatGrant } from '../../components/grants.tsx'
import { UntrustedText } from '../../components/untrusted-text.tsx'
import { type ApiProblem, callApi } from '../../forms/call-api.ts'
import {
  conflictProblem,
  lastChange,
  statusOf,
  VERSION,
  VersionField,
  versionOf,
} from '../../forms/edit-conflict.tsx'
import { GrantFields } from '../../forms/grant-fields.tsx'
import { GrantForm, parseTerms, toForm } from '../../forms/grant-form.ts'
import { pathOf } from '../../paths.ts'
import { ErrorMessage, Form, notFoundPage, renderPage } from '../frame/layout.tsx'

const grantParams = (c: Context<ConsoleEnv>) => ({
  agent: c.req.param('name') ?? '',
  repository: c.req.param('repository') ?? '',
})

/** The present grant of an agent in a repository; no terms when there is no grant. */
interface CurrentGrant {
  readonly agent: AgentName
  readonly repository: RepositoryName
  readonly terms?: GrantTerms
}

/** `GET /agents/<name>/grants/<repository>` */
export async function showGrant(c: Context<ConsoleEnv>): Promise<Response> {
  const { agent, repository } = grantParams(c)
  const current = await currentGrant(c.env.LEDGER, agent, repository)
  return current?.terms ? grantPage(c, current, { form: toForm(current.terms) }) : grantNotFound(c, agent)
}

/** `POST /agents/<name>/grants/<repository>`: replaces the grant; 409 when it has changed since the form was opened. */
export async function changeGrant(c: Context<ConsoleEnv>): Promise<Response> {
  const { agent, repository } = grantParams(c)
  const body = await c.req.parseBody()
  const form = GrantForm.parse(body)
  const current = await currentGrant(c.env.LEDGER, agent, repository)
  if (!current) return grantNotFound(c, agent)
  if (body[VERSION] !== (await versionOf(current.terms))) return grantConflict(c, current, form)
  const saved = await setGrant(c, agent, repository, form)
  if (saved.ok) return c.redirect(`${pathOf.agent(agent)}#grants`, 303)
  return grantPage(c, current, { form, problem: saved.problem })
}

/** Returns the present grant, or undefined when the agent or the repository does not exist. */
export async function currentGrant(
  ledger: D1Database,
  agent: string,
  repository: string,
): Promise<CurrentGrant | undefined> {
  const [grant] = await listGrants(ledger, { agent, repository })
  if (grant) return grant
  const [foundAgent, foundRepository] = await Promise.all([
    findAgent(ledger, agent),
    findRepository(ledger, repository),
  ])
  return foundAgent && foundRepository && { agent: foundAgent.name, repository: foundRepository.name }
}

/** Replaces a grant with the form's values. */
export async function setGrant(
  c: Context<ConsoleEnv>,
  agent: string,
  repository: string,
  form: GrantForm,
): Promise<{ ok: true } | { ok: false; problem: ApiProblem }> {
  const parsed = parseTerms(form)
  if (!parsed.ok)
    return { ok: false, problem: { code: 'bad-request', message: parsed.message, fix: parsed.fix } }
  const path = `/grants/${encodeURIComponent(agent)}/${encodeURIComponent(repository)}`
  return callApi(c, AgentGrant, 'PUT', path, parsed.terms)
}

/** Shows the form again with its values, who changed the grant, and the present grant. */
export async function grantConflict(
  c: Context<ConsoleEnv>,
  current: CurrentGrant,
  form: GrantForm,
): Promise<Response> {
  const { agent, repository, terms } = current
  const last = await lastChange(c.env.LEDGER, 'grant', `${agent} ${repository}`)
  const changedBy =
    last?.action === (terms ? 'grant.set' : 'grant.remove') ? last.operator : 'another operator'
  const problem = terms
    ? conflictProblem(
        `${changedBy} has changed this grant`,
        `The grant is now:\n${formatGrant({ agent, terms }).join('\n')}`,
      )
    : conflictProblem(`${changedBy} has removed this grant`, `${agent} has no access to ${repository} now.`)
  return grantPage(c, current, { form, problem })
}

const grantNotFound = (c: Context<ConsoleEnv>, agent: string) =>
  notFoundPage(c, 'such grant', pathOf.agent(agent), 'Agents')

async function grantPage(
  c: Context<ConsoleEnv>,
  { agent, repository, terms }: CurrentGrant,
  { form, problem }: { form: GrantForm; problem?: ApiProblem },
): Promise<Response> {
  return renderPage(c, {
    title: escapeInvisible(`${agent} in ${repository}`),
    section: 'Agents',
    status: problem ? statusOf(problem) : 200,
    children: (
      <>
        <div class="page-header">
          <h1>
            Grant of <UntrustedText text={agent} /> in <UntrustedText text={repository} />
          </h1>
          <p>
            <a href={`${pathOf.agent(agent)}#grants`}>All grants of this agent</a>
          </p>
        </div>
        <ErrorMessage problem={problem} />
        <Form c={c} action={pathOf.grant(agent, repository)} class="fields">
          <VersionField version={await versionOf(terms)} />
          <GrantFields values={form} />
          <span class="actions">
            <button type="submit" class="primary">
              Save
            </button>
          </span>
        </Form>
      </>
    ),
  })
}
