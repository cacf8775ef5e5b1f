import type { z } from 'zod'
import { ApiError } from '../src/contract/admin-api/common.ts'
import { CliError } from './errors.ts'
import type { Settings } from './settings.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
export type Query = Record<string, string | number | undefined>

/**
 * Requests to the admin API of one gate. Both functions throw a CliError when the gate refuses or does not
 * respond.
 */
export interface ApiConnection {
  readonly url: string
  /** Sends a request, and returns the response as soon as its headers have arrived. */
  send(method: Method, path: string, body?: object): Promise<Response>
  /** Sends a request, and returns its JSON response, parsed with `schema`. */
  request<T extends z.ZodType>(method: Method, path: string, schema: T, body?: object): Promise<z.output<T>>
}

/**
 * Connects to the API. `timeoutMs` bounds the time until the headers of a response. fetch itself ends a body
 * that stalls for five minutes.
 */
export function connectToApi({ url, token, access }: Settings, timeoutMs: number): ApiConnection {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(access && { 'cf-access-client-id': access.id, 'cf-access-client-secret': access.secret }),
  }

  async function send(method: Method, path: string, body?: object): Promise<Response> {
    const timeout = new AbortController()
    const timer = setTimeout(
      () => timeout.abort(new Error(`no response within ${timeoutMs / 1000} s`)),
      timeoutMs,
    )
    const response = await fetch(`${url}/-/api/v1${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // The API never redirects, and a redirect must not receive the token.
      redirect: 'manual',
      signal: timeout.signal,
    })
      .catch(error => {
        throw new CliError(
          `no gate responds at ${url}: ${describeCause(error)}`,
          'Start the gate, or correct GATE_URL',
          'unreachable',
        )
      })
      .finally(() => clearTimeout(timer))
    if (response.ok) return response
    throw await errorOf(url, response)
  }

  return {
    url,
    send,
    async request(method, path, schema, body) {
      const response = await send(method, path, body)
      const parsed = schema.safeParse(await response.json().catch(() => undefined))
      if (parsed.success) return parsed.data
      throw new CliError(
        `${url} sent an invalid response to ${method} ${path}`,
        'Use the same version of the gate and of this command',
      )
    },
  }
}

async function errorOf(url: string, response: Response): Promise<CliError> {
  const location = response.headers.get('location')
  if (location !== null)
    return new CliError(
      `${url} redirects to ${URL.parse(location, url)?.origin ?? location}`,
      'Set GATE_URL to the URL of the gate itself; behind Cloudflare Access, also set GATE_ACCESS_CLIENT_ID and GATE_ACCESS_CLIENT_SECRET',
    )
  const parsed = ApiError.safeParse(await response.json().catch(() => undefined))
  if (!parsed.success)
    return new CliError(`${url} answered with status ${response.status}`, 'Check that GATE_URL is a gate')
  const { message, fix, code } = parsed.data.error
  // The API's own remedy is its schema, which has other names than the options and than the file of apply.
  return new CliError(message, code === 'bad-request' ? '' : fix, code)
}

/** Returns the message of the error's cause, where Node puts the reason of a failed fetch. */
export function describeCause(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message : String(cause)
}
