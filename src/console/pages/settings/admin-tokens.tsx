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
import { pathOf } from '../../paths.ts'
import { EmptyState, ErrorMessage, Form } from '../frame/layout.tsx'
import { settingsPage } from './settings-page.tsx'

/** `GET /settings/admin-tokens` */
export const showAdminTokens = (c: Context<ConsoleEnv>) => adminTokensPage(c, {})

/** `POST /settings/admin-tokens`: mints an admin token. No other page ever shows it. */
export async function mintAdminToken(c: Context<ConsoleEnv>): Promise<Response> {
  const { label, role, repository, expires } = await c.req.parseBody()
  const lifetime = lifetimeOf(expires)
  if (!lifetime) return adminTokensPage(c, { problem: INVALID_LIFETIME })
  const minted = await callApi(c, MintedAdminToken, 'POST', '/admin-tokens', {
    label: String(label ?? '').trim(),
    role: String(role ?? ''),
    repository: repository || null,
    expiresAt: lifetime.expiresAt,
  })
  return adminTokensPage(c, minted.ok ? { minted: minted.value } : { problem: minted.problem })
}

/** `POST /settings/admin-tokens/revoke` */
export async function revokeAdminToken(c: Context<ConsoleEnv>): Promise<Response> {
  const { id } = await c.req.parseBody()
  const revoked = await callApi(c, AdminToken, 'DELETE', `/admin-tokens/${encodeURIComponent(String(id))}`)
  return revoked.ok ? c.redirect(pathOf.adminTokens, 303) : adminTokensPage(c, { problem: revoked.problem })
}

async function adminTokensPage(
  c: Context<ConsoleEnv>,
  { minted, problem }: { minted?: MintedAdminToken; problem?: ApiProblem },
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
            <p>Mint a token for each operator: the change log then names them.</p>
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
        <MintForm c={c} repositories={repositories.map(({ name }) => name)} />
      </>
    ),
  })
}

/** The role that is selected from the start is the least. */
const MintForm = ({ c, repositories }: { c: Context<ConsoleEnv>; repositories: readonly string[] }) => (
  <Form c={c} action={pathOf.adminTokens} class="fields">
    <label>
      Label
      <input name="label" required maxlength={200} placeholder="grace" autocomplete="off" />
    </label>
    <label>
      Role
      <select name="role">
        {Role.options.map(role => (
          <option value={role}>{role}</option>
        ))}
      </select>
    </label>
    <label>
      Repository
      <select name="repository">
        <option value="">the whole gate</option>
        {repositories.map(name => (
          <option value={name}>{name}</option>
        ))}
      </select>
    </label>
    <LifetimeField />
    <span class="actions">
      <button type="submit" class="primary">
        Mint an admin token
      </button>
    </span>
  </Form>
)
