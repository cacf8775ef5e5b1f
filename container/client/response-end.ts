import type { ServerResponse } from 'node:http'
import type { DisconnectReason } from '../../src/contract/outcome.ts'
import { ClientGone, WriteTimeout, writeWithBackpressure } from './request-body.ts'

/** Returns a signal that aborts when the client disconnects before its response is complete. */
export function disconnectSignal(response: ServerResponse): AbortSignal {
  const disconnect = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) disconnect.abort(new ClientGone('disconnected'))
  })
  if (response.destroyed) disconnect.abort(new ClientGone('disconnected'))
  return disconnect.signal
}

/** The bytes that a client has to read within its timeout. */
const PIECE_BYTES = 64 << 10

/**
 * Sends a whole response, and disconnects a client that reads nothing for `idleMs` milliseconds: a long list of refs may
 * take a slow client longer. Resolves as endWithTimeout does.
 */
export async function sendWithTimeout(
  response: ServerResponse,
  body: Buffer,
  idleMs: number,
): Promise<DisconnectReason | undefined> {
  try {
    for (let offset = 0; offset < body.length; offset += PIECE_BYTES)
      await writeWithBackpressure(response, body.subarray(offset, offset + PIECE_BYTES), idleMs)
  } catch (error) {
    if (!(error instanceof WriteTimeout)) throw error
    response.destroy()
    return 'write-timeout'
  }
  return endWithTimeout(response, idleMs)
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
