import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { LFS_JSON } from '../../src/contract/lfs.ts'
import { bodyText } from '../client/respond.ts'
import { disconnectSignal } from '../client/response-end.ts'
import type { Lfs } from './lfs.ts'
import { lfsError, respondWithFailure } from './respond.ts'

/** Sends a request of the locking API to upstream, and upstream's answer to the Worker. */
export async function lfsLocks(
  lfs: Lfs,
  pass: PassFor<'lfs-locks'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, path, query } = pass
  const text = await bodyText(request, 64_000)
  try {
    const body = method === 'POST' ? JSON.parse(text || '{}') : undefined
    const { upstream } = lfs.repository(pass.repository)
    const answer = await upstream.locks({ method, path: path + query, body }, disconnectSignal(response))
    response.writeHead(answer.status, { 'content-type': LFS_JSON, 'cache-control': 'no-cache' })
    response.end(answer.text)
  } catch (error) {
    if (error instanceof SyntaxError) return lfsError(response, 400, 'git-gate: the body is not JSON')
    respondWithFailure(response, pass.id, error)
  }
}
