import { z } from 'zod'
import { Agent, AgentGrant } from '../src/contract/admin-api/agents.ts'
import { Approval, ApprovalPage } from '../src/contract/admin-api/approvals.ts'
import { Credential, RemovedCredential } from '../src/contract/admin-api/credentials.ts'
import { DecisionResult, GrantedException, PendingPage } from '../src/contract/admin-api/findings.ts'
import { Identity, RemovedIdentity } from '../src/contract/admin-api/identities.ts'
import { OperatorRole } from '../src/contract/admin-api/operators.ts'
import { PushPage, PushRecord } from '../src/contract/admin-api/pushes.ts'
import { AuditLogPage } from '../src/contract/admin-api/records.ts'
import { Repository } from '../src/contract/admin-api/repositories.ts'
import { ConnectionCheck, LiveStatus, Status } from '../src/contract/admin-api/status.ts'
import { AdminToken, MintedAdminToken, MintedToken, Token } from '../src/contract/admin-api/tokens.ts'
import { AddedWebhook, Webhook } from '../src/contract/admin-api/webhooks.ts'
import { type ApiConnection, connectToApi, describeCause, type Query } from './api-connection.ts'
import { CliError } from './errors.ts'
import type { Settings } from './settings.ts'

/** The timeout of a response, in milliseconds. `doctor` waits for SSH connections to the upstream. */
const RESPONSE_TIMEOUT_MS = 60_000

/** The admin API as functions. Each throws a CliError when the gate refuses or does not respond. */
export function createClient(settings: Settings, timeoutMs = RESPONSE_TIMEOUT_MS) {
  const api = connectToApi(settings, timeoutMs)
  return {
    url: api.url,
    status: () => api.request('GET', '/status', Status),
    repositories: repositoriesOf(api),
    identities: identitiesOf(api),
    credentials: credentialsOf(api),
    agents: agentsOf(api),
    grants: grantsOf(api),
    tokens: tokensOf(api),
    pushes: pushesOf(api),
    exceptions: exceptionsOf(api),
    pending: pendingOf(api),
    approvals: approvalsOf(api),
    adminTokens: adminTokensOf(api),
    operators: operatorsOf(api),
    webhooks: webhooksOf(api),
    auditLog: (query: Query) => api.request('GET', `/audit-log${queryString(query)}`, AuditLogPage),
  }
}
export type Client = ReturnType<typeof createClient>

const repositoriesOf = ({ request }: ApiConnection) => ({
  list: () => request('GET', '/repositories', z.array(Repository)),
  show: (name: string) => request('GET', `/repositories/${encode(name)}`, Repository),
  status: (name: string) => request('GET', `/repositories/${encode(name)}/status`, LiveStatus),
  add: (repository: object) => request('POST', '/repositories', Repository, repository),
  update: (name: string, settings: object) =>
    request('PUT', `/repositories/${encode(name)}`, Repository, settings),
  remove: (name: string) => request('DELETE', `/repositories/${encode(name)}`, Repository),
  check: (name: string) => request('POST', `/repositories/${encode(name)}/check`, ConnectionCheck),
  checkSettings: (repository: object) =>
    request('POST', '/repository-settings/check', z.object({ name: z.string() }), repository),
})

const identitiesOf = ({ request }: ApiConnection) => ({
  list: () => request('GET', '/identities', z.array(Identity)),
  add: (identity: object) => request('POST', '/identities', Identity, identity),
  remove: (name: string) => request('DELETE', `/identities/${encode(name)}`, RemovedIdentity),
})

const credentialsOf = ({ request }: ApiConnection) => ({
  list: () => request('GET', '/credentials', z.array(Credential)),
  set: (name: string, settings: object) =>
    request('PUT', `/credentials/${encode(name)}`, Credential, settings),
  remove: (name: string) => request('DELETE', `/credentials/${encode(name)}`, RemovedCredential),
})

const agentsOf = ({ request }: ApiConnection) => ({
  list: () => request('GET', '/agents', z.array(Agent)),
  show: (name: string) => request('GET', `/agents/${encode(name)}`, Agent),
  add: (name: string) => request('POST', '/agents', Agent, { name }),
  remove: (name: string) => request('DELETE', `/agents/${encode(name)}`, Agent),
})

const grantsOf = ({ request }: ApiConnection) => ({
  list: (filter: { agent?: string; repository?: string } = {}) =>
    request('GET', `/grants${queryString(filter)}`, z.array(AgentGrant)),
  set: (agent: string, repository: string, terms: object) =>
    request('PUT', `/grants/${encode(agent)}/${encode(repository)}`, AgentGrant, terms),
  remove: (agent: string, repository: string) =>
    request('DELETE', `/grants/${encode(agent)}/${encode(repository)}`, AgentGrant),
})

const tokensOf = ({ request }: ApiConnection) => ({
  list: (agent?: string) => request('GET', `/tokens${queryString({ agent })}`, z.array(Token)),
  mint: (token: object) => request('POST', '/tokens', MintedToken, token),
  revoke: (id: string) => request('DELETE', `/tokens/${encode(id)}`, Token),
})

const pushesOf = ({ url, request, send }: ApiConnection) => ({
  page: (query: Query) => request('GET', `/pushes${queryString(query)}`, PushPage),
  show: (id: string) => request('GET', `/pushes/${encode(id)}`, PushRecord),
  /** Yields JSON lines, in chunks as they arrive. */
  async *export(query: Query): AsyncGenerator<Uint8Array> {
    const { body } = await send('GET', `/export/pushes${queryString(query)}`)
    try {
      if (body) yield* body
    } catch (error) {
      throw new CliError(
        `${url} closed the connection during the export: ${describeCause(error)}`,
        'Run the command again',
        'interrupted',
      )
    }
  },
})

const exceptionsOf = ({ request }: ApiConnection) => ({
  list: (repository?: string) =>
    request('GET', `/exceptions${queryString({ repository })}`, z.array(GrantedException)),
  add: (exception: object) => request('POST', '/exceptions', GrantedException, exception),
  revoke: (id: string) => request('DELETE', `/exceptions/${encode(id)}`, GrantedException),
})

const pendingOf = ({ request }: ApiConnection) => ({
  page: (query: Query) => request('GET', `/pending${queryString(query)}`, PendingPage),
  decide: (decision: object) => request('POST', '/decisions', DecisionResult, decision),
})

const approvalsOf = ({ request }: ApiConnection) => ({
  page: (query: Query) => request('GET', `/approvals${queryString(query)}`, ApprovalPage),
  show: (id: string) => request('GET', `/approvals/${encode(id)}`, Approval),
  approve: (id: string) => request('POST', `/approvals/${encode(id)}/approve`, Approval),
  reject: (id: string, reason: string) =>
    request('POST', `/approvals/${encode(id)}/reject`, Approval, { reason }),
})

const adminTokensOf = ({ request }: ApiConnection) => ({
  list: () => request('GET', '/admin-tokens', z.array(AdminToken)),
  mint: (token: object) => request('POST', '/admin-tokens', MintedAdminToken, token),
  revoke: (id: string) => request('DELETE', `/admin-tokens/${encode(id)}`, AdminToken),
})

const operatorsOf = ({ request }: ApiConnection) => ({
  list: () => request('GET', '/operators', z.array(OperatorRole)),
  set: (role: object) => request('PUT', '/operators', OperatorRole, role),
  remove: (principal: string, repository: string | null) =>
    request(
      'DELETE',
      `/operators/${encode(principal)}${queryString({ repository: repository ?? undefined })}`,
      OperatorRole,
    ),
})

const webhooksOf = ({ request }: ApiConnection) => ({
  list: () => request('GET', '/webhooks', z.array(Webhook)),
  add: (webhook: object) => request('POST', '/webhooks', AddedWebhook, webhook),
  remove: (id: string) => request('DELETE', `/webhooks/${encode(id)}`, Webhook),
})

const encode = encodeURIComponent

function queryString(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [key, value] of Object.entries(query))
    if (value !== undefined) parameters.set(key, String(value))
  return parameters.size ? `?${parameters}` : ''
}
