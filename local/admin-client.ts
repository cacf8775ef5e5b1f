import { z } from 'zod'
import type { GrantTerms } from '../src/contract/grant.ts'

/** The admin API refused a request. The message is the API's own. */
export class AdminRefusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export interface RepositorySettings {
  readonly upstream: string
  readonly identity: string
  readonly knownHosts: string
  readonly staleReads?: boolean
}

/**
 * The admin API's requests of the launcher and the tests. Existing objects stay unchanged, unless a method
 * says otherwise.
 */
export interface Admin {
  /** Sends any other request. Rejects with AdminRefusal on an error response. */
  request(method: string, path: string, body?: unknown): Promise<unknown>
  /** Creates an identity, or imports the given private key. Returns the public key. */
  identity(name: string, privateKey?: string): Promise<string>
  /** Adds a repository, or changes its settings. Returns which of the two it did. */
  repository(name: string, settings: RepositorySettings): Promise<'added' | 'changed'>
  repositories(): Promise<string[]>
  agent(name: string): Promise<void>
  agents(): Promise<string[]>
  grant(agent: string, repository: string, terms: z.input<typeof GrantTerms>): Promise<void>
  hasGrant(agent: string, repository: string): Promise<boolean>
  mint(agent: string, label: string): Promise<{ id: string; token: string }>
  /** True when the agent's token exists and is not revoked. */
  isTokenValid(agent: string, token: string): Promise<boolean>
}

const Refusal = z.object({ error: z.object({ code: z.string(), message: z.string(), fix: z.string() }) })
const PublicHalf = z.object({ publicKey: z.string() })
const Minted = z.object({ id: z.string(), token: z.string() })
const Named = z.array(z.object({ name: z.string() }))
const Tokens = z.array(z.object({ id: z.string(), revokedAt: z.string().nullable() }))

export function adminOf(url: string, adminToken: string): Admin {
  const request: Admin['request'] = async (method, path, body) => {
    const response = await fetch(`${url}/-/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.ok) return JSON.parse(text)
    const refusal = Refusal.safeParse(parseOr(text))
    if (!refusal.success)
      throw new AdminRefusal(
        response.status,
        '',
        `${method} ${path}: ${response.status} ${text.slice(0, 200)}`,
      )
    const { code, message, fix } = refusal.data.error
    throw new AdminRefusal(response.status, code, fix ? `${message}; ${fix}` : message)
  }
  /** Returns the response, or undefined when the API refuses the request with this code. */
  const undefinedOnCode = async (code: string, answer: Promise<unknown>): Promise<unknown> => {
    try {
      return await answer
    } catch (error) {
      if (error instanceof AdminRefusal && error.code === code) return undefined
      throw error
    }
  }
  const part = encodeURIComponent
  return {
    request,
    async identity(name, privateKey) {
      const created = await undefinedOnCode('exists', request('POST', '/identities', { name, privateKey }))
      return PublicHalf.parse(created ?? (await request('GET', `/identities/${part(name)}`))).publicKey
    },
    async repository(name, settings) {
      const existing = await undefinedOnCode('not-found', request('GET', `/repositories/${part(name)}`))
      if (existing === undefined) {
        await request('POST', '/repositories', { name, ...settings })
        return 'added'
      }
      const current = z
        .object({ staleReads: z.boolean(), readRefs: z.array(z.string()), gitleaksConfig: z.string() })
        .parse(existing)
      await request('PUT', `/repositories/${part(name)}`, { ...current, ...settings })
      return 'changed'
    },
    repositories: async () => Named.parse(await request('GET', '/repositories')).map(each => each.name),
    agents: async () => Named.parse(await request('GET', '/agents')).map(each => each.name),
    async agent(name) {
      await undefinedOnCode('exists', request('POST', '/agents', { name }))
    },
    async grant(agent, repository, terms) {
      await request('PUT', `/grants/${part(agent)}/${part(repository)}`, terms)
    },
    hasGrant: async (agent, repository) =>
      (await undefinedOnCode('not-found', request('GET', `/grants/${part(agent)}/${part(repository)}`))) !==
      undefined,
    mint: async (agent, label) => Minted.parse(await request('POST', '/tokens', { agent, label })),
    async isTokenValid(agent, token) {
      const id = /^gate_([^_]+)_/.exec(token)?.[1]
      const tokens = Tokens.parse(await request('GET', `/tokens?agent=${part(agent)}`))
      return tokens.some(each => each.id === id && each.revokedAt === null)
    },
  }
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
