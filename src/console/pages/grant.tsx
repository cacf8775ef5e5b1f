import type { Context } from 'hono'
import { AgentGrant } from '../../contract/api.ts'
import type { Terms } from '../../contract/grant.ts'
import { visible } from '../../contract/invisible-characters.ts'
import type { AgentName, RepositoryName } from '../../contract/names.ts'
import { findAgent } from '../../ledger/access/agents.ts'
import { listGrants } from '../../ledger/access/grants.ts'
import { findRepository } from '../../ledger/access/repositories.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { inWords } from '../components/grants.tsx'
import { Given } from '../components/untrusted-text.tsx'
import { askApi, type Refused } from '../forms/call-api.ts'
import { changedMeanwhile, lastChange, markOf, SEEN, Seen, statusOf } from '../forms/edit-conflict.tsx'
import { TermsFields } from '../forms/grant-fields.tsx'
import { formOf, TermsForm, termsIn } from '../forms/grant-form.ts'
import { pathOf } from '../paths.ts'
import { Complaint, Form, notThere, page } from './layout.tsx'

const named = (c: Context<ConsoleEnv>) => ({
  agent: c.req.param('name') ?? '',
  repository: c.req.param('repository') ?? '',
})

/** What an agent may do in a repository now; without terms where it has no grant there. */
interface Standing {
  readonly agent: AgentName
  readonly repository: RepositoryName
  readonly terms?: Terms
}

/** `GET /agents/<name>/grants/<repository>` */
export async function showGrant(c: Context<ConsoleEnv>): Promise<Response> {
  const { agent, repository } = named(c)
  const now = await standingGrant(c.env.LEDGER, agent, repository)
  return now?.terms ? grantPage(c, now, { form: formOf(now.terms) }) : noGrant(c, agent)
}

/** `POST /agents/<name>/grants/<repository>`: the grant is as the form says from now on. */
export async function changeGrant(c: Context<ConsoleEnv>): Promise<Response> {
  const { agent, repository } = named(c)
  const sent = await c.req.parseBody()
  const form = TermsForm.parse(sent)
  const now = await standingGrant(c.env.LEDGER, agent, repository)
  if (!now) return noGrant(c, agent)
  if (sent[SEEN] !== (await markOf(now.terms))) return grantChanged(c, now, form)
  const set = await setGrant(c, agent, repository, form)
  if (set.ok) return c.redirect(`${pathOf.agent(agent)}#grants`, 303)
  return grantPage(c, now, { form, refused: set.refused })
}

/** What an agent may do in a repository now; undefined where there is no such agent or repository. */
export async function standingGrant(
  ledger: D1Database,
  agent: string,
  repository: string,
): Promise<Standing | undefined> {
  const [grant] = await listGrants(ledger, { agent, repository })
  if (grant) return grant
  const [of, to] = await Promise.all([findAgent(ledger, agent), findRepository(ledger, repository)])
  return of && to && { agent: of.name, repository: to.name }
}

/** Sets a grant to what a form says, by the admin API. */
export async function setGrant(
  c: Context<ConsoleEnv>,
  agent: string,
  repository: string,
  form: TermsForm,
): Promise<{ ok: true } | { ok: false; refused: Refused }> {
  const read = termsIn(form)
  if (!read.ok) return { ok: false, refused: { code: 'bad-request', message: read.message, fix: read.fix } }
  const path = `/grants/${encodeURIComponent(agent)}/${encodeURIComponent(repository)}`
  return askApi(c, AgentGrant, 'PUT', path, read.terms)
}

/** Answers a form whose grant is no longer as it showed it: who it was, what it says now, and the form as it was sent. */
export async function grantChanged(
  c: Context<ConsoleEnv>,
  now: Standing,
  form: TermsForm,
): Promise<Response> {
  const { agent, repository, terms } = now
  const last = await lastChange(c.env.LEDGER, 'grant', `${agent} ${repository}`)
  const by = last?.action === (terms ? 'grant.set' : 'grant.remove') ? last.by : 'somebody'
  const refused = terms
    ? changedMeanwhile(
        `${by} has changed this grant`,
        `It says now:\n${inWords({ agent, terms }).join('\n')}`,
      )
    : changedMeanwhile(`${by} has taken this grant back`, `${agent} may do nothing in ${repository} now.`)
  return grantPage(c, now, { form, refused })
}

const noGrant = (c: Context<ConsoleEnv>, agent: string) =>
  notThere(c, 'grant like this', pathOf.agent(agent), 'Agents')

async function grantPage(
  c: Context<ConsoleEnv>,
  { agent, repository, terms }: Standing,
  { form, refused }: { form: TermsForm; refused?: Refused },
): Promise<Response> {
  return page(c, {
    title: visible(`${agent} in ${repository}`),
    room: 'Agents',
    status: refused ? statusOf(refused) : 200,
    children: (
      <>
        <div class="head">
          <h1>
            What <Given text={agent} /> may do in <Given text={repository} />
          </h1>
          <p>
            <a href={`${pathOf.agent(agent)}#grants`}>All its grants</a>
          </p>
        </div>
        <Complaint refused={refused} />
        <Form c={c} action={pathOf.grant(agent, repository)} class="fields">
          <Seen mark={await markOf(terms)} />
          <TermsFields values={form} />
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
