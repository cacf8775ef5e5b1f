import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reaped } from '../../src/contract/outcome.ts'
import { type Body, bodyOf, ClientGone } from './request-body.ts'

/**
 * Where a push is: its command list has been taken, bytes of its pack have, git has shown that it works on a whole
 * pack, git has handed it over to be judged, git has ended.
 */
export type Point = 'list' | 'pack' | 'working' | 'judged' | 'over'

/** The other end of a push: what it sends, and the way to answer it. */
export interface Client {
  readonly body: Body
  /** The Git-Protocol it asked for, as git's own clients write it. */
  readonly protocol: string | undefined
  /** Aborts when it goes away before its answer has ended. */
  readonly gone: AbortSignal
  /** Told where the push is: where a body has no end, that decides how long the client may be silent. */
  at(point: Point): void
  /** A part of the answer. One that has gone takes it for nothing. */
  write(bytes: Buffer): void
  /** Ends the answer. Resolves when the client has it, or was cut off because it did not take it in time. */
  end(): Promise<void>
  /** Cuts it off, without an answer. */
  drop(): void
}

/** What a client sends on after git has ended is waited for no longer, in milliseconds. */
const REST_MS = 2_000

const PROTOCOL = /^version=[012]$/

/** A protocol version as git's own clients ask for it; anything else is left out. */
export const gitProtocol = (asked: unknown): string | undefined =>
  typeof asked === 'string' && PROTOCOL.test(asked) ? asked : undefined

/** A push that came as an HTTP request, whose answer has begun. */
export function httpClient(request: IncomingMessage, response: ServerResponse, idleMs: number): Client {
  const body = bodyOf(request, idleMs)
  return {
    body,
    protocol: gitProtocol(request.headers['git-protocol']),
    gone: goneSignal(response),
    // A request's body has an end, and until then its client has to send; with git's end nothing more is due.
    at(point) {
      if (point === 'over') body.allow(Math.min(idleMs, REST_MS))
    },
    write(bytes) {
      if (!response.destroyed && !response.writableEnded) response.write(bytes)
    },
    async end() {
      // A request that never ended would keep its connection for ever, whatever was answered.
      if (!request.complete) response.once('finish', () => request.socket.destroySoon())
      await endWithin(response, idleMs)
    },
    drop: () => response.destroy(),
  }
}

/** Aborts when a client closes before its answer is whole. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new ClientGone('vanished'))
  })
  if (response.destroyed) gone.abort(new ClientGone('vanished'))
  return gone.signal
}

/** Ends an answer; a client that does not take the last of it within `idleMs` is cut off. Resolves with its loss. */
export async function endWithin(response: ServerResponse, idleMs: number): Promise<Reaped | undefined> {
  if (response.destroyed) return 'vanished'
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
  if (isLate) return 'unread'
  return response.writableFinished ? undefined : 'vanished'
}
