import { PASS_HEADER, ROUTES } from '../contract/companion-api/pass.ts'
import { type PassRequest, passFor } from './pass.ts'

/**
 * Sends a request to a repository's companion through its Durable Object, with a pass for this request.
 * Bodies stream in both directions. The request ends when `signal` aborts.
 */
export async function askCompanion(
  env: Env,
  repository: string,
  passRequest: PassRequest,
  init: { body?: BodyInit | null; headers?: HeadersInit; signal?: AbortSignal } = {},
): Promise<Response> {
  const { method, path } = ROUTES[passRequest.service]
  const headers = new Headers(init.headers)
  headers.set(PASS_HEADER, await passFor(env, passRequest))
  const stub = env.COMPANION.get(env.COMPANION.idFromName(repository))
  return stub.fetch(`http://companion${path}`, {
    method,
    headers,
    body: init.body ?? null,
    signal: init.signal ?? null,
    redirect: 'manual',
  })
}
