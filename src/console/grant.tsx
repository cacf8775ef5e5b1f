import type { Context } from 'hono'
import { AgentGrant } from '../contract/api.ts'
import { visible } from '../contract/visible.ts'
import { listGrants } from '../ledger/grants.ts'
import { askApi, type Refused } from './ask-api.ts'
import type { ConsoleEnv } from './env.ts'
import { Given } from './given.tsx'
import { Complaint, Form, notThere, page } from './page.tsx'
import { pathOf } from './paths.ts'
import { TermsFields } from './terms-fields.tsx'
import { formOf, TermsForm, termsIn } from './terms-form.ts'

const named = (c: Context<ConsoleEnv>) => ({
  agent: c.req.param('name') ?? '',
  repository: c.req.param('repository') ?? '',
})

/** `GET /agents/<name>/grants/<repository>` */
export const showGrant = (c: Context<ConsoleEnv>) => grantPage(c)

/** `POST /agents/<name>/grants/<repository>`: the grant is as the form says from now on. */
export async function changeGrant(c: Context<ConsoleEnv>): Promise<Response> {
  const { agent, repository } = named(c)
  const form = TermsForm.parse(await c.req.parseBody())
  const set = await setGrant(c, agent, repository, form)
  if (set.ok) return c.redirect(`${pathOf.agent(agent)}#grants`, 303)
  return grantPage(c, { form, refused: set.refused })
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

async function grantPage(
  c: Context<ConsoleEnv>,
  tried?: { form: TermsForm; refused: Refused },
): Promise<Response> {
  const { agent, repository } = named(c)
  const [grant] = await listGrants(c.env.LEDGER, { agent, repository })
  if (!grant) return notThere(c, 'grant like this', pathOf.agent(agent), 'Agents')
  return page(c, {
    title: visible(`${grant.agent} in ${grant.repository}`),
    room: 'Agents',
    status: tried ? 400 : 200,
    children: (
      <>
        <div class="head">
          <h1>
            What <Given text={grant.agent} /> may do in <Given text={grant.repository} />
          </h1>
          <p>
            <a href={`${pathOf.agent(grant.agent)}#grants`}>All its grants</a>
          </p>
        </div>
        <Complaint refused={tried?.refused} />
        <Form c={c} action={pathOf.grant(grant.agent, grant.repository)} class="fields">
          <TermsFields values={tried?.form ?? formOf(grant.terms)} />
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
