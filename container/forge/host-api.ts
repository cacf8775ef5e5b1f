import type { z } from 'zod'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { Forge, ForgeKind } from '../../src/contract/hosts/forge.ts'
import { withoutTokens } from '../../src/contract/text/unscanned-text.ts'
import { printable } from '../git/command-list.ts'
import type { Credentials } from '../upstream/https/credentials.ts'
import type { AppPermissions } from '../upstream/https/github-app.ts'
import {
  type HostRequest,
  type HostResponse,
  type HostStream,
  readText,
  streamHost,
} from '../upstream/https/host-request.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { hideTokenInJson } from './hide-token.ts'

/** The host refused a request. The message tells the agent why, and who can fix it. */
export class ForgeError extends UpstreamError {
  readonly status: number
  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

/** The API of one project's host. */
export interface HostApi {
  readonly forge: Forge
  /**
   * Sends a request and returns any response but 401, with its body unread, and the token that it was sent with.
   * Rejects with UpstreamError.
   */
  stream(request: Call): Promise<SentStream>
  /** Sends a request and returns any response but 401, with its token hidden. Rejects with UpstreamError. */
  send(request: Call): Promise<HostResponse>
  /** Sends a request and parses its 2xx response. Rejects with ForgeError on any other. */
  request<T extends z.ZodType>(schema: T, request: Call): Promise<z.output<T>>
}

type SentStream = HostStream & { readonly token: string }

export interface Call {
  readonly method: HostRequest['method']
  /** The path below the API's base URL, with its query; `/graphql`: GitHub's GraphQL API. */
  readonly path: string
  /** The media type of the answer; by default JSON. */
  readonly accept?: string
  readonly body?: unknown
  /** The action in words for an error: `open a pull request`. */
  readonly action: string
}

const HEADERS: Readonly<Record<ForgeKind, (token: string) => Record<string, string>>> = {
  github: token => ({
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${token}`,
    'x-github-api-version': '2022-11-28',
  }),
  gitlab: token => ({ accept: 'application/json', authorization: `Bearer ${token}` }),
  gitea: token => ({ accept: 'application/json', authorization: `token ${token}` }),
}

/** Headers of a request to the host's API with a token. */
const headersFor = (kind: ForgeKind, token: string): Record<string, string> => HEADERS[kind](token)

/** Connects to the host of an upstream with the repository's credential. */
export function hostApi(
  forge: Forge,
  upstream: Upstream,
  credentials: Pick<Credentials, 'tokenFor' | 'refused'>,
  permissions: AppPermissions,
  signal: AbortSignal,
): HostApi {
  const sendWithToken = async ({ method, path, accept, body }: Call) => {
    const { token } = await credentials.tokenFor(upstream, signal, permissions)
    const response = await streamHost(
      upstream,
      {
        method,
        url: urlOf(forge, path),
        headers: {
          ...headersFor(forge.kind, token),
          // The gate looks for the token in what it passes on.
          'accept-encoding': 'identity',
          ...(accept === undefined ? {} : { accept }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      signal,
    )
    if (response.status === 401) credentials.refused(token)
    return { ...response, token }
  }
  const stream = async (call: Call) => {
    const response = await sendWithToken(call)
    // A token that was revoked at the host is replaced, where the gate makes its tokens.
    const isNew = response.status === 401 && upstream.credential?.app
    if (isNew) response.body.destroy()
    const last = isNew ? await sendWithToken(call) : response
    if (last.status === 401) throw toError(forge, upstream, call, await whole(last))
    return last
  }
  const whole = async ({ status, headers, body, token }: SentStream): Promise<HostResponse> => ({
    status,
    headers,
    text: hideTokenInJson(await readText(body, hostOf(forge), signal), token),
  })
  const send = async (call: Call) => whole(await stream(call))
  return {
    forge,
    stream,
    send,
    async request(schema, call) {
      const response = await send(call)
      if (response.status < 200 || response.status > 299) throw toError(forge, upstream, call, response)
      const parsed = schema.safeParse(parseJson(response.text))
      if (!parsed.success)
        throw new ForgeError(`${hostOf(forge)} answers oddly when asked to ${call.action}`, response.status)
      return parsed.data
    },
  }
}

/** A GitHub Enterprise Server has its REST API below /api/v3 and its GraphQL API at /api/graphql. */
const urlOf = ({ kind, apiUrl }: Forge, path: string): string =>
  kind === 'github' && path === '/graphql' ? `${apiUrl.replace(/\/v3$/, '')}/graphql` : `${apiUrl}${path}`

export const hostOf = ({ apiUrl }: Forge): string => new URL(apiUrl).host

/** Translates a host's refusal into words for the agent. */
export function toError(
  forge: Forge,
  { credential }: Pick<Upstream, 'credential'>,
  { action }: Pick<Call, 'action'>,
  response: HostResponse,
): ForgeError {
  const { status } = response
  const host = hostOf(forge)
  const hostMessage = messageOf(response.text)
  const words = hostMessage ? `: ${hostMessage}` : ''
  const wait = waitOf(response)
  const error = (message: string) => new ForgeError(message, status)
  if (status === 401)
    return error(
      `${host} does not accept the credential ${credential?.name} (status 401${words}); an operator sets it again: git gate credential set ${credential?.name} --user ${credential?.user}`,
    )
  if (wait !== undefined)
    return error(`${host} limits requests (status ${status}${words}); try again in ${wait} s`)
  if (status === 403 || status === 404)
    return error(
      `${host} does not let the credential ${credential?.name} ${action} in ${forge.project} (status ${status}${words}); an operator gives it that right at the host`,
    )
  return error(`${host} did not ${action} in ${forge.project} (status ${status}${words})`)
}

/** Returns the seconds after which a rate limit ends, or undefined if the response is no rate limit. */
function waitOf({ status, headers, text }: HostResponse): number | undefined {
  if (status !== 403 && status !== 429) return undefined
  const after = Number(headers['retry-after'])
  if (after > 0) return Math.ceil(after)
  const reset = Number(headers['x-ratelimit-reset'])
  if (headers['x-ratelimit-remaining'] === '0' && reset > 0)
    return Math.max(1, Math.ceil(reset - Date.now() / 1000))
  return status === 429 || /rate limit/i.test(text) ? 60 : undefined
}

const MAX_MESSAGE = 300

/**
 * Returns the message in a host's error: `message` at GitHub and Gitea with GitHub's `errors`, `message` or
 * `error` at GitLab.
 */
function messageOf(text: string): string {
  const body = parseJson(text)
  if (typeof body !== 'object' || body === null) return ''
  const { message, error, errors } = body as Record<string, unknown>
  const parts = [message ?? error, errors].flatMap(flatWords)
  return withoutTokens(printable([...new Set(parts)].join('; '))).slice(0, MAX_MESSAGE)
}

function flatWords(value: unknown): string[] {
  if (typeof value === 'string') return value.trim() ? [value.trim()] : []
  if (Array.isArray(value)) return value.flatMap(flatWords)
  if (typeof value !== 'object' || value === null) return []
  const { message } = value as Record<string, unknown>
  if (typeof message === 'string') return flatWords(message)
  return Object.entries(value).flatMap(([key, words]) => flatWords(words).map(word => `${key} ${word}`))
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
