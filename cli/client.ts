import { z } from 'zod'
import {
  AdminToken,
  Agent,
  AgentGrant,
  ApiError,
  ChangePage,
  GrantedException,
  Identity,
  LinkCheck,
  MintedAdminToken,
  MintedToken,
  PushPage,
  PushRecord,
  Repository,
  Status,
  Token,
} from '../src/contract/api.ts'
import { Complaint } from './complaint.ts'
import type { Settings } from './settings.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
type Query = Record<string, string | number | undefined>

/** How long one answer may take. A check of a link waits for an SSH connection. */
const ANSWER_SECONDS = 60

/** The admin API as functions; each throws a Complaint when the gate refuses or cannot be reached. */
export function clientOf({ url, token }: Settings) {
  async function ask<T extends z.ZodType>(
    method: Method,
    path: string,
    schema: T,
    body?: object,
  ): Promise<z.output<T>> {
    const response = await fetch(`${url}/-/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
    }).catch(error => {
      const cause =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
      throw new Complaint(
        `no gate answers at ${url}: ${cause}`,
        'Is it running? Is GATE_URL right?',
        'unreachable',
      )
    })
    const answer: unknown = await response.json().catch(() => undefined)
    if (!response.ok) {
      const refused = ApiError.safeParse(answer)
      if (!refused.success)
        throw new Complaint(`${url} answered with status ${response.status}`, 'Is GATE_URL a gate?')
      const { message, fix, code } = refused.data.error
      throw new Complaint(message, fix, code)
    }
    const parsed = schema.safeParse(answer)
    if (!parsed.success)
      throw new Complaint(
        `${url} answered ${method} ${path} oddly`,
        'Are the gate and this command of the same version?',
      )
    return parsed.data
  }
  const at = encodeURIComponent
  return {
    url,
    status: () => ask('GET', '/status', Status),
    repositories: {
      list: () => ask('GET', '/repositories', z.array(Repository)),
      show: (name: string) => ask('GET', `/repositories/${at(name)}`, Repository),
      add: (repository: object) => ask('POST', '/repositories', Repository, repository),
      update: (name: string, settings: object) =>
        ask('PUT', `/repositories/${at(name)}`, Repository, settings),
      remove: (name: string) => ask('DELETE', `/repositories/${at(name)}`, Repository),
      check: (name: string) => ask('POST', `/repositories/${at(name)}/check`, LinkCheck),
    },
    identities: {
      list: () => ask('GET', '/identities', z.array(Identity)),
      add: (identity: object) => ask('POST', '/identities', Identity, identity),
      remove: (name: string) => ask('DELETE', `/identities/${at(name)}`, Identity),
    },
    agents: {
      list: () => ask('GET', '/agents', z.array(Agent)),
      show: (name: string) => ask('GET', `/agents/${at(name)}`, Agent),
      add: (name: string) => ask('POST', '/agents', Agent, { name }),
      remove: (name: string) => ask('DELETE', `/agents/${at(name)}`, Agent),
    },
    grants: {
      list: (of: { agent?: string; repository?: string } = {}) =>
        ask('GET', `/grants${query(of)}`, z.array(AgentGrant)),
      set: (agent: string, repository: string, terms: object) =>
        ask('PUT', `/grants/${at(agent)}/${at(repository)}`, AgentGrant, terms),
      remove: (agent: string, repository: string) =>
        ask('DELETE', `/grants/${at(agent)}/${at(repository)}`, AgentGrant),
    },
    tokens: {
      list: (agent?: string) => ask('GET', `/tokens${query({ agent })}`, z.array(Token)),
      mint: (token: object) => ask('POST', '/tokens', MintedToken, token),
      revoke: (id: string) => ask('DELETE', `/tokens/${at(id)}`, Token),
    },
    pushes: {
      page: (of: Query) => ask('GET', `/pushes${query(of)}`, PushPage),
      show: (id: string) => ask('GET', `/pushes/${at(id)}`, PushRecord),
    },
    exceptions: {
      list: (repository?: string) =>
        ask('GET', `/exceptions${query({ repository })}`, z.array(GrantedException)),
      add: (exception: object) => ask('POST', '/exceptions', GrantedException, exception),
      revoke: (id: string) => ask('DELETE', `/exceptions/${at(id)}`, GrantedException),
    },
    adminTokens: {
      list: () => ask('GET', '/admin-tokens', z.array(AdminToken)),
      mint: (token: object) => ask('POST', '/admin-tokens', MintedAdminToken, token),
      revoke: (id: string) => ask('DELETE', `/admin-tokens/${at(id)}`, AdminToken),
    },
    changes: (of: Query) => ask('GET', `/changes${query(of)}`, ChangePage),
  }
}
export type Client = ReturnType<typeof clientOf>

function query(of: Query): string {
  const given = new URLSearchParams()
  for (const [key, value] of Object.entries(of)) if (value !== undefined) given.set(key, String(value))
  return given.size ? `?${given}` : ''
}
