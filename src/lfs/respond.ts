import type { MiddlewareHandler } from 'hono'
import { LFS_JSON } from '../contract/lfs.ts'

/** Returns an answer of the LFS API. */
export const lfsResponse = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': LFS_JSON, 'cache-control': 'no-store', ...headers },
  })

/** Returns an error whose message git-lfs prints. */
export const lfsError = (status: number, message: string, headers: Record<string, string> = {}): Response =>
  lfsResponse(status, { message: `git-gate: ${message}` }, headers)

/** Turns the gate's plain-text errors into errors of the LFS API: git-lfs prints no other body. */
export const asLfsErrors: MiddlewareHandler = async (c, next) => {
  await next()
  const answer = c.res
  if (answer.status < 400 || !answer.headers.get('content-type')?.startsWith('text/plain')) return
  const message = (await answer.text()).trim()
  const headers: Record<string, string> = {}
  for (const name of ['www-authenticate', 'retry-after']) {
    const value = answer.headers.get(name)
    if (value !== null) headers[name] = value
  }
  c.res = undefined
  c.res = lfsResponse(answer.status, { message }, headers)
}
