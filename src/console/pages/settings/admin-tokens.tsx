import type { Context } from 'hono'
import { AdminToken, MintedAdminToken } from '../../../contract/admin-api/tokens.ts'
import { Role } from '../../../contract/role.ts'
import { listAdminTokens } from '../../../ledger/access/admin-tokens.ts'
import { listRepositories } from '../../../ledger/access/repositories.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { CopyBox } from '../../components/copy-box.tsx'
import { isActive } from '../../components/is-active.ts'
import { INVALID_LIFETIME, LifetimeField, lifetimeOf } from '../../components/tokens/token-lifetimes.tsx'
import { EndedTokens, TokenItem } from '../../components/tokens/token-list.tsx'
import { type ApiProblem, callApi } from '../../forms/call-api.ts'
import { ConfirmForm } from '../../forms/confirm-form.tsx'
import { LineField } from '../../forms/text-fields.tsx'
import { pathOf } from '../../paths.ts'
import { EmptyState, ErrorMessage, Form } from '../frame/layout.tsx'
import { settingsPage } from './settings-page.tsx'

/** `GET /settings/admin-tokens` */
export const showAdminTokens = (c: Context<ConsoleEnv>) => adminTokensPage(c, {})

/** `POST /settings/admin-tokens`: mints an admin token. No other page ever shows it. */
export async function mintAdminToken(c: Context<ConsoleEnv>): Promise<Response> {
  const { label, role, repository, owner, expires } = await c.req.parseBody()
  const wanted = {
    label: String(label ?? '').trim(),
    role: String(role ?? ''),
    repository: String(repository ?? '') || null,
    owner: String(owner ?? '').trim() || undefined,
  }
  const lifetime = lifetimeOf(expires)
  if (!lifetime) return adminTokensPage(c, { problem: INVALID_LIFETIME, wanted })
  const minted = await callApi(c, MintedAdminToken, 'POST', '/admin-tokens', {
    ...wanted,
    expiresAt: lifetime.expiresAt,
  })
  return adminTokensPage(c, minted.ok ? { minted: minted.value } : { problem: minted.problem, wanted })
}

/** `POST /settings/admin-tokens/revoke` */
export async function revokeAdminToken(c: Context<ConsoleEnv>): Promise<Response> {
  const { id } = await c.req.parseBody()
  const revoked = await callApi(c, AdminToken, 'DELETE', `/admin-tokens/${encodeURIComponent(String(id))}`)
  return revoked.ok ? c.redirect(pathOf.adminTokens, 303) : adminTokensPage(c, { problem: revoked.problem })
}

/** The token of a form, which the admin API validates. */
interface WantedToken {
  readonly label: string
  readonly role: string
  /** Null: the whole gate. */
  readonly repository: string | null
  /** Undefined: the person who mints it, if they have signed in. */
  readonly owner: string | undefined
}

interface PageState {
  readonly minted?: MintedAdminToken
  /** With `wanted`: the problem of a token that was not minted. */
  readonly problem?: ApiProblem
  readonly wanted?: WantedToken
}

async function adminTokensPage(
  c: Context<ConsoleEnv>,
  { minted, problem, wanted }: PageState,
): Promise<Response> {
  const [tokens, repositories] = await Promise.all([
    listAdminTokens(c.env.LEDGER),
    listRepositories(c.env.LEDGER),
  ])
  return settingsPage(c, {
    title: 'Admin tokens',
    problem,
    children: (
      <>
        <ErrorMessage problem={problem} />
        {minted && (
          <div class="new-token" role="status" tabindex={-1} autofocus>
            <p>
              <strong>Admin token {minted.id} was minted. Copy it now: it is not shown again.</strong>
            </p>
            <CopyBox id="minted-token" text={minted.token} label="the admin token" />
          </div>
        )}
        {tokens.length === 0 && (
          <EmptyState title="There is only the first admin token, GATE_ADMIN_TOKEN.">
            <p>Mint a token for each operator: the audit log then names them.</p>
          </EmptyState>
        )}
        <ul class="plain-list">
          {tokens.filter(isActive).map(token => (
            <TokenItem token={token}>
              <ConfirmForm
                c={c}
                action={`${pathOf.adminTokens}/revoke`}
                verb="Revoke"
                object={`the admin token ${token.id}`}
                effect="Its bearer is signed out, and its commands are refused from now on."
                values={{ id: token.id }}
              />
            </TokenItem>
          ))}
        </ul>
        <EndedTokens tokens={tokens.filter(token => !isActive(token))} />
        <MintForm c={c} repositories={repositories.map(({ name }) => name)} wanted={wanted} />
      </>
    ),
  })
}

interface FormProps {
  readonly c: Context<ConsoleEnv>
  readonly repositories: readonly string[]
  readonly wanted: WantedToken | undefined
}

/** The role that is selected from the start is the least. */
const MintForm = ({ c, repositories, wanted }: FormProps) => (
  <Form c={c} action={pathOf.adminTokens} class="fields">
    <label>
      Label
      <input
        name="label"
        value={wanted?.label ?? ''}
        required
        maxlength={200}
        placeholder="grace"
        autocomplete="off"
      />
    </label>
    <label>
      Role
      <select name="role">
        {Role.options.map(role => (
          <option value={role} selected={role === wanted?.role}>
            {role}
          </option>
        ))}
      </select>
    </label>
    <label>
      Repository
      <select name="repository">
        <option value="">the whole gate</option>
        {repositories.map(name => (
          <option value={name} selected={name === wanted?.repository}>
            {name}
          </option>
        ))}
      </select>
    </label>
    <LifetimeField />
    <LineField
      id="owner"
      label="Owner"
      hint="email:ADDRESS or subject:ISSUER#SUBJECT of the person who uses it. Approvals of a sign-in and of its owner’s tokens count once. Empty: the person who mints the token, if they have signed in."
      name="owner"
      wide
      maxlength={512}
      value={wanted?.owner}
      placeholder="email:grace@acme.example"
    />
    <span class="actions">
      <button type="submit" class="primary">
        Mint an admin token
      </button>
    </span>
  </Form>
)
