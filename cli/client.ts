import { z } from 'zod'
import {
  AddedWebhook,
  AdminToken,
  Agent,
  AgentGrant,
  ApiError,
  ChangePage,
  GrantedException,
  Identity,
  LinkCheck,
  LiveStatus,
  MintedAdminToken,
  MintedToken,
  PushPage,
  PushRecord,
  RemovedIdentity,
  Repository,
  Status,
  Token,
  Webhook,
} from '../src/contract/api.ts'
import { Complaint } from './errors.ts'
import type { Settings } from './settings.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
type Query = Record<string, string | number | undefined>

/** How long an answer may take to begin, in milliseconds. A check of a link waits for an SSH connection. */
const ANSWER_MS = 60_000

/** The admin API as functions; each throws a Complaint when the gate refuses or cannot be reached. */
export function clientOf({ url, token, access }: Settings, answerMs = ANSWER_MS) {
  /**
   * Sends a request; a refusal of the gate's is thrown. What a long answer takes in all has no bound: where nothing
   * comes for five minutes while it is read, fetch itself gives it up.
   */
  async function send(method: Method, path: string, body?: object): Promise<Response> {
    const waiting = new AbortController()
    const deadline = setTimeout(
      () => waiting.abort(new Error(`it did not answer in ${answerMs / 1000} s`)),
      answerMs,
    )
    const response = await fetch(`${url}/-/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(access && { 'cf-access-client-id': access.id, 'cf-access-client-secret': access.secret }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // The API sends nobody elsewhere, and a token goes nowhere else.
      redirect: 'manual',
      signal: waiting.signal,
    })
      .catch(error => {
        throw new Complaint(
          `no gate answers at ${url}: ${causeOf(error)}`,
          'Is it running? Is GATE_URL right?',
          'unreachable',
        )
      })
      .finally(() => clearTimeout(deadline))
    if (response.ok) return response
    const elsewhere = response.headers.get('location')
    if (elsewhere !== null)
      throw new Complaint(
        `${url} sends this on to ${URL.parse(elsewhere, url)?.origin ?? elsewhere}`,
        'Set GATE_URL to where the gate itself is; behind Cloudflare Access, set GATE_ACCESS_CLIENT_ID and GATE_ACCESS_CLIENT_SECRET, too',
      )
    const refused = ApiError.safeParse(await response.json().catch(() => undefined))
    if (!refused.success)
      throw new Complaint(`${url} answered with status ${response.status}`, 'Is GATE_URL a gate?')
    const { message, fix, code } = refused.data.error
    throw new Complaint(message, fix, code)
  }

  async function ask<T extends z.ZodType>(
    method: Method,
    path: string,
    schema: T,
    body?: object,
  ): Promise<z.output<T>> {
    const response = await send(method, path, body)
    const parsed = schema.safeParse(await response.json().catch(() => undefined))
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
      now: (name: string) => ask('GET', `/repositories/${at(name)}/status`, LiveStatus),
      add: (repository: object) => ask('POST', '/repositories', Repository, repository),
      update: (name: string, settings: object) =>
        ask('PUT', `/repositories/${at(name)}`, Repository, settings),
      remove: (name: string) => ask('DELETE', `/repositories/${at(name)}`, Repository),
      check: (name: string) => ask('POST', `/repositories/${at(name)}/check`, LinkCheck),
    },
    identities: {
      list: () => ask('GET', '/identities', z.array(Identity)),
      add: (identity: object) => ask('POST', '/identities', Identity, identity),
      remove: (name: string) => ask('DELETE', `/identities/${at(name)}`, RemovedIdentity),
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
      /** JSON lines, in pieces as they come. */
      async *export(of: Query): AsyncGenerator<Uint8Array> {
        const { body } = await send('GET', `/export/pushes${query(of)}`)
        try {
          if (body) yield* body
        } catch (error) {
          throw new Complaint(
            `${url} broke off in the middle: ${causeOf(error)}`,
            'Run it again',
            'broken-off',
          )
        }
      },
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
    webhooks: {
      list: () => ask('GET', '/webhooks', z.array(Webhook)),
      add: (webhook: object) => ask('POST', '/webhooks', AddedWebhook, webhook),
      remove: (id: string) => ask('DELETE', `/webhooks/${at(id)}`, Webhook),
    },
    changes: (of: Query) => ask('GET', `/changes${query(of)}`, ChangePage),
  }
}
export type Client = ReturnType<typeof clientOf>

/** Why a fetch failed, which Node puts under its own words. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message : String(cause)
}

function query(of: Query): string {
  const given = new URLSearchParams()
  for (const [key, value] of Object.entries(of)) if (value !== undefined) given.set(key, String(value))
  return given.size ? `?${given}` : ''
}
