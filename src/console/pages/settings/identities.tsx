import type { Context } from 'hono'
import { z } from 'zod'
import type { Credential } from '../../../contract/admin-api/credentials.ts'
import { Identity, RemovedIdentity } from '../../../contract/admin-api/identities.ts'
import type { Repository } from '../../../contract/admin-api/repositories.ts'
import { listCredentials } from '../../../ledger/access/credentials.ts'
import { listIdentities } from '../../../ledger/access/identities.ts'
import { listRepositories } from '../../../ledger/access/repositories.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { CopyBox } from '../../components/copy-box.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { UntrustedText } from '../../components/untrusted-text.tsx'
import { type ApiProblem, callApi } from '../../forms/call-api.ts'
import { ConfirmForm } from '../../forms/confirm-form.tsx'
import { DisclosureForm } from '../../forms/disclosure-form.tsx'
import { LineField, LinesField } from '../../forms/text-fields.tsx'
import { pathOf } from '../../paths.ts'
import { ErrorMessage } from '../frame/layout.tsx'
import { settingsPage } from './settings-page.tsx'

/** `GET /settings/identities` */
export const showIdentities = (c: Context<ConsoleEnv>) => identitiesPage(c, {})

/** `POST /settings/identities`: makes an identity; its private key stays in the companion. */
export async function addIdentity(c: Context<ConsoleEnv>): Promise<Response> {
  const body = await c.req.parseBody()
  const name = String(body.name ?? '').trim()
  const publicKey = String(body.publicKey ?? '').trim()
  const wanted = publicKey === '' ? { name } : { name, publicKey }
  const added = await callApi(c, Identity, 'POST', '/identities', wanted)
  return added.ok
    ? c.redirect(pathOf.identities, 303)
    : identitiesPage(c, { addProblem: added.problem, name })
}

/** `POST /settings/identities/remove` */
export async function removeIdentity(c: Context<ConsoleEnv>): Promise<Response> {
  const { name } = await c.req.parseBody()
  const path = `/identities/${encodeURIComponent(String(name))}`
  const removed = await callApi(c, RemovedIdentity, 'DELETE', path)
  return removed.ok ? c.redirect(pathOf.identities, 303) : identitiesPage(c, { problem: removed.problem })
}

/** `POST /settings/credentials/remove` */
export async function removeCredential(c: Context<ConsoleEnv>): Promise<Response> {
  const { name } = await c.req.parseBody()
  const path = `/credentials/${encodeURIComponent(String(name))}`
  const removed = await callApi(c, z.object({}), 'DELETE', path)
  return removed.ok ? c.redirect(pathOf.identities, 303) : identitiesPage(c, { problem: removed.problem })
}

interface PageState {
  readonly problem?: ApiProblem
  /** The problem of a rejected new identity, with the submitted name. */
  readonly addProblem?: ApiProblem
  readonly name?: string
}

async function identitiesPage(
  c: Context<ConsoleEnv>,
  { problem, addProblem, name }: PageState,
): Promise<Response> {
  const ledger = c.env.LEDGER
  const [identities, credentials, repositories] = await Promise.all([
    listIdentities(ledger),
    listCredentials(ledger),
    listRepositories(ledger),
  ])
  return settingsPage(c, {
    title: 'Identities and credentials',
    problem: problem ?? addProblem,
    children: (
      <>
        <ErrorMessage problem={problem} />
        <Identities c={c} identities={identities} repositories={repositories} />
        <DisclosureForm
          c={c}
          summary="Add an identity"
          action={pathOf.identities}
          button="Add"
          open={identities.length === 0}
          problem={addProblem}
        >
          <LineField
            id="name"
            label="Name"
            hint="of the new SSH key"
            name="name"
            required
            maxlength={63}
            value={name}
            placeholder="acme-deploy"
          />
          <LinesField
            id="public-half"
            label="Public key"
            hint="at Cloudflare’s edge only, where the private key is a secret of the Worker"
            name="publicKey"
          />
        </DisclosureForm>
        <Credentials c={c} credentials={credentials} repositories={repositories} />
      </>
    ),
  })
}

const Identities = ({
  c,
  identities,
  repositories,
}: {
  c: Context<ConsoleEnv>
  identities: readonly Identity[]
  repositories: readonly Repository[]
}) => (
  <section aria-labelledby="identities">
    <h2 id="identities">Identities</h2>
    <p class="muted">
      SSH keys with which the gate reaches upstreams. Register the public key at the upstream as a deploy key
      with write access.
    </p>
    <ul class="plain-list">
      {identities.map(({ name, publicKey, createdAt }) => (
        <li>
          <UntrustedText text={name} />
          <p class="muted small">
            <UsedBy repositories={repositories.filter(each => each.identity === name)} />; made{' '}
            <RelativeTime iso={createdAt} />
          </p>
          <ConfirmForm
            c={c}
            action={`${pathOf.identities}/remove`}
            verb="Remove"
            object={`the identity ${name}`}
            effect="Its private key is deleted. The gate refuses while a repository uses it."
            values={{ name }}
          />
          <CopyBox id={`key-${name}`} text={publicKey.trim()} label={`the public key of ${name}`} />
        </li>
      ))}
    </ul>
  </section>
)

const Credentials = ({
  c,
  credentials,
  repositories,
}: {
  c: Context<ConsoleEnv>
  credentials: readonly Credential[]
  repositories: readonly Repository[]
}) => (
  <section aria-labelledby="credentials">
    <h2 id="credentials">Credentials</h2>
    <p class="muted">
      Tokens and GitHub Apps with which the gate reaches hosts over HTTPS. No page shows their secrets.{' '}
      <code>git gate credential set NAME --user USER</code> sets a credential.
    </p>
    <ul class="plain-list">
      {credentials.map(({ name, user, app, changedAt }) => (
        <li>
          <UntrustedText text={name} />
          <p class="muted small">
            {app ? `GitHub App ${app.id}, installation ${app.installation}` : 'token'} for user{' '}
            <UntrustedText text={user} />;{' '}
            <UsedBy repositories={repositories.filter(each => each.credential === name)} />; set{' '}
            <RelativeTime iso={changedAt} />
          </p>
          <ConfirmForm
            c={c}
            action={`${pathOf.credentials}/remove`}
            verb="Remove"
            object={`the credential ${name}`}
            effect="Its secret is deleted. The gate refuses while a repository uses it."
            values={{ name }}
          />
        </li>
      ))}
    </ul>
  </section>
)

const UsedBy = ({ repositories }: { repositories: readonly Repository[] }) => {
  if (repositories.length === 0) return <>not used</>
  const rest = repositories.length - 3
  return (
    <>
      used by{' '}
      {repositories.slice(0, 3).map(({ name }, index) => (
        <>
          {index > 0 && ', '}
          <a href={pathOf.repository(name)}>
            <UntrustedText text={name} />
          </a>
        </>
      ))}
      {rest > 0 && ` and ${rest} more`}
    </>
  )
}
