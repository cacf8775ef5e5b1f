import type { Context } from 'hono'
import type { AgentGrant } from '../../contract/admin-api/agents.ts'
import type { Identity } from '../../contract/admin-api/identities.ts'
import { Repository } from '../../contract/admin-api/repositories.ts'
import { ConnectionCheck, LiveStatus } from '../../contract/admin-api/status.ts'
import { webLinksOf } from '../../contract/hosts/web-links.ts'
import type { ConnectionStep } from '../../contract/outcome.ts'
import { hasRole } from '../../contract/role.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import { listCredentials } from '../../ledger/access/credentials.ts'
import { listGrants } from '../../ledger/access/grants.ts'
import { findIdentity, listIdentities } from '../../ledger/access/identities.ts'
import { findRepository } from '../../ledger/access/repositories.ts'
import { listPushRows, type PushRow } from '../../ledger/pushes/push-summaries.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { CopyBox } from '../components/copy-box.tsx'
import { GrantList } from '../components/grants.tsx'
import { MirrorSection } from '../components/mirror.tsx'
import { PushItem } from '../components/push-row.tsx'
import { UntrustedText } from '../components/untrusted-text.tsx'
import { type ApiProblem, callApi } from '../forms/call-api.ts'
import { DisclosureForm } from '../forms/disclosure-form.tsx'
import {
  conflictProblem,
  lastChange,
  statusOf,
  VERSION,
  VersionField,
  versionOf,
} from '../forms/edit-conflict.tsx'
import { RepositoryFields } from '../forms/repository-fields.tsx'
import { formatDifferences, RepositoryForm, toForm, toSettings } from '../forms/repository-form.ts'
import { pathOf } from '../paths.ts'
import { ErrorMessage, Form, notFoundPage, renderPage } from './frame/layout.tsx'

/** The page shows this many of the newest pushes. */
const MAX_PUSHES = 5

const repositoryParam = (c: Context<ConsoleEnv>) => c.req.param('name') ?? ''

/** `GET /repositories/<name>` */
export const showRepository = (c: Context<ConsoleEnv>) => repositoryPage(c, {})

/** `POST /repositories/<name>`: replaces the settings; 409 when they have changed since the form was opened. */
export async function changeRepository(c: Context<ConsoleEnv>): Promise<Response> {
  const body = await c.req.parseBody()
  const settings = RepositoryForm.parse(body)
  const current = await findRepository(c.env.LEDGER, repositoryParam(c))
  const version = current && (await versionOf(toForm(current)))
  if (current && body[VERSION] !== version) {
    const problem = await settingsConflict(c.env.LEDGER, current, settings)
    return repositoryPage(c, { settings, version, problem })
  }
  const path = `/repositories/${encodeURIComponent(repositoryParam(c))}`
  const changed = await callApi(c, Repository, 'PUT', path, toSettings(settings))
  if (changed.ok) return c.redirect(pathOf.repository(repositoryParam(c)), 303)
  return repositoryPage(c, { settings, version, problem: changed.problem })
}

/** `POST /repositories/<name>/check`: checks the connection to the upstream, step by step. */
export async function checkRepository(c: Context<ConsoleEnv>): Promise<Response> {
  const path = `/repositories/${encodeURIComponent(repositoryParam(c))}/check`
  const check = await callApi(c, ConnectionCheck, 'POST', path)
  return repositoryPage(c, check.ok ? { checkSteps: check.value.steps } : { checkProblem: check.problem })
}

async function settingsConflict(
  ledger: D1Database,
  current: Repository,
  submitted: RepositoryForm,
): Promise<ApiProblem> {
  const last = await lastChange(ledger, 'repository', current.name)
  const differences = formatDifferences(toForm(current), submitted)
  return conflictProblem(
    `${last?.operator ?? 'another operator'} has changed these settings`,
    differences.length === 0
      ? 'They now equal the values of this form.'
      : `The settings that differ from this form are now:\n${differences.join('\n')}`,
  )
}

interface PageState {
  /** The submitted settings. */
  readonly settings?: RepositoryForm
  /** The version of the settings that the next submit replaces. */
  readonly version?: string | undefined
  readonly problem?: ApiProblem
  readonly checkSteps?: readonly ConnectionStep[]
  readonly checkProblem?: ApiProblem
}

async function repositoryPage(c: Context<ConsoleEnv>, state: PageState): Promise<Response> {
  const ledger = c.env.LEDGER
  const repository = await findRepository(ledger, repositoryParam(c))
  if (!repository) return notFoundPage(c, 'repository with this name', pathOf.repositories, 'Repositories')
  const { name } = repository
  const isAdmin = hasRole(c.var.operator.roles, 'admin', 'gate')
  const [identity, identities, credentials, grants, { pushes }, liveStatus] = await Promise.all([
    repository.identity === null ? undefined : findIdentity(ledger, repository.identity),
    listIdentities(ledger),
    listCredentials(ledger),
    listGrants(ledger, { repository: name }),
    listPushRows(ledger, { repository: name, limit: MAX_PUSHES }),
    callApi(c, LiveStatus, 'GET', `/repositories/${encodeURIComponent(name)}/status`),
  ])
  return renderPage(c, {
    title: escapeInvisible(name),
    section: 'Repositories',
    status: state.problem ? statusOf(state.problem) : state.checkProblem ? 502 : 200,
    children: (
      <>
        <RepositoryHeader repository={repository} />
        <ConnectionSection c={c} name={name} steps={state.checkSteps} problem={state.checkProblem} />
        <MirrorSection liveStatus={liveStatus} />
        {repository.credential !== null && <CredentialSection name={repository.credential} />}
        {repository.identity !== null && <DeployKeySection name={repository.identity} identity={identity} />}
        <GrantsSection grants={grants} />
        <PushesSection name={name} pushes={pushes} />
        <ErrorMessage problem={isAdmin ? undefined : state.problem} />
        {isAdmin && (
          <DisclosureForm
            c={c}
            summary="Change the settings"
            action={pathOf.repository(name)}
            button="Save"
            problem={state.problem}
          >
            <VersionField version={state.version ?? (await versionOf(toForm(repository)))} />
            <RepositoryFields
              identities={identities}
              credentials={credentials}
              values={state.settings ?? toForm(repository)}
            />
          </DisclosureForm>
        )}
      </>
    ),
  })
}

const RepositoryHeader = ({ repository }: { repository: Repository }) => {
  const web = webLinksOf(repository)
  return (
    <div class="page-header">
      <h1>
        <UntrustedText text={repository.name} />
      </h1>
      <p>
        to <UntrustedText text={repository.upstream} mono />
        {web && (
          <>
            {' '}
            (
            <a href={web.repository} rel="noreferrer">
              its page at the host
            </a>
            )
          </>
        )}
      </p>
    </div>
  )
}

const ConnectionSection = ({
  c,
  name,
  steps,
  problem,
}: {
  c: Context<ConsoleEnv>
  name: string
  steps: readonly ConnectionStep[] | undefined
  problem: ApiProblem | undefined
}) => (
  <section aria-labelledby="connection">
    <h2 id="connection">Connection to the upstream</h2>
    <ErrorMessage problem={problem} />
    {steps && <CheckSteps steps={steps} />}
    <Form c={c} action={`${pathOf.repository(name)}/check`}>
      <button type="submit">Check the connection</button>
      <span class="muted"> checks git, the key, read access and write access, without changing anything</span>
    </Form>
  </section>
)

const CredentialSection = ({ name }: { name: string }) => (
  <section aria-labelledby="held-credential">
    <h2 id="held-credential">Credential</h2>
    <p class="muted">
      The gate authenticates at the host with the credential <UntrustedText text={name} />. Its secret is
      never shown.
    </p>
  </section>
)

const DeployKeySection = ({ name, identity }: { name: string; identity: Identity | undefined }) => (
  <section aria-labelledby="key">
    <h2 id="key">Deploy key</h2>
    <p class="muted">
      The public key of identity <UntrustedText text={name} />. Register it at the upstream as a deploy key
      with write access.
    </p>
    {identity && <CopyBox id="public-key" text={identity.publicKey.trim()} label="the deploy key" />}
  </section>
)

const GrantsSection = ({ grants }: { grants: readonly AgentGrant[] }) => (
  <section aria-labelledby="grants">
    <h2 id="grants">Grants</h2>
    {grants.length === 0 ? (
      <p class="muted">
        No agent has a grant here. <a href={pathOf.agents}>Add a grant to an agent</a>.
      </p>
    ) : (
      <GrantList grants={grants} nameOf={grant => grant.agent} href={grant => pathOf.agent(grant.agent)} />
    )}
  </section>
)

const PushesSection = ({ name, pushes }: { name: string; pushes: readonly PushRow[] }) => (
  <section aria-labelledby="latest">
    <h2 id="latest">Latest pushes</h2>
    {pushes.length === 0 ? (
      <p class="muted">None yet.</p>
    ) : (
      <>
        <ol class="pushes" aria-labelledby="latest">
          {pushes.map(push => (
            <PushItem push={push} />
          ))}
        </ol>
        <p>
          <a href={`${pathOf.pushes}?${new URLSearchParams({ repository: name })}`}>
            All pushes to this repository
          </a>
        </p>
      </>
    )}
  </section>
)

const CheckSteps = ({ steps }: { steps: readonly ConnectionStep[] }) => (
  <div role="status">
    <ol class="links">
      {steps.map(({ name, ok, detail, fix }) => (
        <li>
          <span class={ok ? 'ok' : 'ng'}>{ok ? 'ok' : 'failed'}</span>
          <strong>{escapeInvisible(name)}</strong>
          <span>
            <UntrustedText text={detail} />
            {fix && <span class="fix">{escapeInvisible(fix)}</span>}
          </span>
        </li>
      ))}
    </ol>
  </div>
)
