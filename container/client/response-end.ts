import type { ServerResponse } from 'node:http'
import type { DisconnectReason } from '../../src/contract/outcome.ts'
import { ClientGone } from './request-body.ts'

/** Returns a signal that aborts when the client disconnects before its response is complete. */
export function disconnectSignal(response: ServerResponse): AbortSignal {
  const disconnect = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) disconnect.abort(new ClientGone('disconnected'))
  })
  if (response.destroyed) disconnect.abort(new ClientGone('disconnected'))
  return disconnect.signal
}

/**
 * Ends a response, and disconnects a client that does not read the last bytes within `idleMs` milliseconds.
 * Resolves with the reason for a disconnect, or undefined when the client has the whole response.
 */
export async function endWithTimeout(
  response: ServerResponse,
  idleMs: number,
): Promise<DisconnectReason | undefined> {
  if (response.destroyed) return 'disconnected'
  let isLate = false
  await new Promise<void>(resolve => {
    const late = setTimeout(() => {
      isLate = true
      response.destroy()
    }, idleMs)
    response.once('close', () => {
      clearTimeout(late)
      resolve()
    })
    response.end()
  })
  if (isLate) return 'write-timeout'
  return response.writableFinished ? undefined : 'disconnected'
}
