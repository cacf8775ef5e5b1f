import type { Context } from 'hono'
import { z } from 'zod'
import type { Credential } from '../../contract/admin-api/credentials.ts'
import type { Identity } from '../../contract/admin-api/identities.ts'
import { Repository } from '../../contract/admin-api/repositories.ts'
import { RepositoryStatus } from '../../contract/companion-api/status.ts'
import { hasRole } from '../../contract/role.ts'
import { plural } from '../../contract/text/plural.ts'
import { listCredentials } from '../../ledger/access/credentials.ts'
import { listGrants } from '../../ledger/access/grants.ts'
import { listIdentities } from '../../ledger/access/identities.ts'
import { listRepositories } from '../../ledger/access/repositories.ts'
import { lastPushes } from '../../ledger/pushes/last-pushes.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { RelativeTime } from '../components/relative-time.tsx'
import { ResourceList } from '../components/resource-list.tsx'
import { UntrustedText } from '../components/untrusted-text.tsx'
import { type ApiProblem, callApi } from '../forms/call-api.ts'
import { DisclosureForm } from '../forms/disclosure-form.tsx'
import { RepositoryFields } from '../forms/repository-fields.tsx'
import { RepositoryForm, toSettings } from '../forms/repository-form.ts'
import { LineField } from '../forms/text-fields.tsx'
import { pathOf } from '../paths.ts'
import { EmptyState, renderPage } from './frame/layout.tsx'

/** `GET /repositories` */
export const showRepositories = (c: Context<ConsoleEnv>) => repositoriesPage(c)

/** `POST /repositories`: adds a repository. */
export async function addRepository(c: Context<ConsoleEnv>): Promise<Response> {
  const body = await c.req.parseBody()
  const wanted = RepositoryForm.extend({ name: z.string().trim().default('') }).parse(body)
  const added = await callApi(c, Repository, 'POST', '/repositories', toSettings(wanted))
  if (added.ok) return c.redirect(pathOf.repository(added.value.name), 303)
  return repositoriesPage(c, { problem: added.problem, form: wanted })
}

/** Submitted settings that the API rejected. */
interface FailedAttempt {
  readonly problem: ApiProblem
  readonly form: RepositoryForm & { name: string }
}

async function repositoriesPage(c: Context<ConsoleEnv>, failedAttempt?: FailedAttempt): Promise<Response> {
  const ledger = c.env.LEDGER
  const { roles } = c.var.operator
  const [all, identities, credentials, grants, mirrors] = await Promise.all([
    listRepositories(ledger),
    listIdentities(ledger),
    listCredentials(ledger),
    listGrants(ledger),
    callApi(c, z.array(RepositoryStatus), 'GET', '/mirrors'),
  ])
  const repositories = all.filter(({ name }) => hasRole(roles, 'viewer', { repository: name }))
  const last = await lastPushes(
    ledger,
    'repository',
    repositories.map(({ name }) => name),
  )
  return renderPage(c, {
    title: 'Repositories',
    section: 'Repositories',
    status: failedAttempt ? 400 : 200,
    children: (
      <>
        <div class="page-header">
          <h1>Repositories</h1>
          <p>{plural(repositories.length, 'repository', 'repositories')}</p>
        </div>
        {repositories.length === 0 && (
          <EmptyState title="There is no repository yet.">
            <p>The upstream of a repository is the Git server to which the gate forwards pushes.</p>
          </EmptyState>
        )}
        <ResourceList
          resources={repositories.map(({ name, upstream }) => ({
            name,
            href: pathOf.repository(name),
            description: (
              <>
                <UntrustedText text={upstream} mono />
                <LinkHealth
                  mirror={mirrors.ok ? mirrors.value.find(each => each.repository === name) : undefined}
                />
              </>
            ),
            count: plural(grants.filter(({ repository }) => repository === name).length, 'agent'),
          }))}
          lastPushes={last}
        />
        {hasRole(roles, 'admin', 'gate') && (
          <AddRepositoryForm
            c={c}
            open={repositories.length === 0}
            identities={identities}
            credentials={credentials}
            failedAttempt={failedAttempt}
          />
        )}
      </>
    ),
  })
}

/** The last contact of a running companion with the upstream. */
const LinkHealth = ({ mirror: status }: { mirror: RepositoryStatus | undefined }) => {
  const refresh = status?.mirror.lastRefresh
  if (!refresh)
    return (
      <p class="muted small link-health">
        not known: the companion is not running, or has not refreshed the mirror yet
      </p>
    )
  const time = <RelativeTime iso={new Date(refresh.at).toISOString()} />
  return refresh.error === null ? (
    <p class="muted small link-health">
      <span class="ok">reachable</span> {time}
    </p>
  ) : (
    <p class="muted small link-health">
      <span class="ng">unreachable</span> {time}: <UntrustedText text={refresh.error} />
    </p>
  )
}

const AddRepositoryForm = ({
  c,
  open,
  identities,
  credentials,
  failedAttempt,
}: {
  c: Context<ConsoleEnv>
  open: boolean
  identities: readonly Identity[]
  credentials: readonly Credential[]
  failedAttempt: FailedAttempt | undefined
}) => (
  <DisclosureForm
    c={c}
    summary="Add a repository"
    action={pathOf.repositories}
    button="Add"
    open={open}
    problem={failedAttempt?.problem}
  >
    <LineField
      id="name"
      label="Name"
      hint="the path that agents clone: up to 20 segments"
      name="name"
      required
      maxlength={512}
      value={failedAttempt?.form.name}
      placeholder="github.com/acme/app"
    />
    <RepositoryFields identities={identities} credentials={credentials} values={failedAttempt?.form} />
  </DisclosureForm>
)
