import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { DisconnectReason } from '../../src/contract/outcome.ts'
import type { Settings } from '../settings.ts'
import { contentOf } from './inflate-body.ts'
import { type Body, ClientGone, readBody, type WatchedBody } from './request-body.ts'

/**
 * Where a push is: its command list is awaited, the list has been taken, bytes of its pack have, git has shown that it
 * works on a whole pack, git has handed it over to be judged, git has ended. Or it is turned away unread.
 */
export type PushProgress = 'commands' | 'list' | 'pack' | 'working' | 'judged' | 'over' | 'turned away'

/** The settings that bound how slow a push's client may be. */
export type PushPace = Pick<
  Settings,
  'commandsMs' | 'clientIdleMs' | 'packStartMs' | 'receiveMs' | 'minReceiveRate'
>

/** The other end of a push: what it sends, and the way to answer it. */
export interface PushClient {
  readonly body: Body
  /** The Git-Protocol it asked for, as git's own clients write it. */
  readonly protocol: string | undefined
  /** Aborts when it goes away before its answer has ended. */
  readonly gone: AbortSignal
  /** Told where the push is, which decides how slow the client may be. */
  at(point: PushProgress): void
  /** A part of the answer. One that has gone takes it for nothing. */
  write(bytes: Buffer): void
  /** Ends the answer. Resolves when the client has it, or was cut off because it did not take it in time. */
  end(): Promise<void>
  /** Cuts it off, without an answer. */
  drop(): void
}

/** What a client sends on after git has ended is waited for no longer, in milliseconds. */
const DRAIN_MS = 2_000

/** A client that is turned away has this long for its command list and for all it still sends, in milliseconds. */
export const TURNED_AWAY_MS = 15_000

/** A push's body, and its deadlines by where the push is: the same over HTTP and over `git://`. */
export function pushBody(
  stream: Readable,
  pace: PushPace,
): { body: WatchedBody; at(point: Exclude<PushProgress, 'over'>): void } {
  const { clientIdleMs: idleMs, minReceiveRate: bytesPerSecond } = pace
  const watched = readBody(stream, { idleMs, bytesPerSecond, withinMs: pace.commandsMs })
  let isReceiving = false
  let isTurnedAway = false
  /** From the command list's end, and not from each further point: the total is for all that follows it. */
  const receive = () => {
    if (!isReceiving && !isTurnedAway) watched.within(pace.receiveMs)
    isReceiving = true
  }
  return {
    body: {
      ...watched,
      drain() {
        receive()
        return watched.drain()
      },
    },
    at(point) {
      if (point === 'turned away') {
        isTurnedAway = true
        return watched.within(TURNED_AWAY_MS)
      }
      if (point === 'commands') return watched.within(pace.commandsMs)
      receive()
      // What is judged is bounded by the checks' and the forward's own deadlines.
      if (point === 'judged') watched.within(Number.POSITIVE_INFINITY)
      watched.setIdleTimeout(
        { list: pace.packStartMs, pack: idleMs, working: idleMs, judged: Number.POSITIVE_INFINITY }[point],
      )
    },
  }
}

const PROTOCOL = /^version=[012]$/

/** A protocol version as git's own clients ask for it; anything else is left out. */
export const gitProtocol = (asked: unknown): string | undefined =>
  typeof asked === 'string' && PROTOCOL.test(asked) ? asked : undefined

/** A push that came as an HTTP request, whose answer has begun. */
export function httpClient(request: IncomingMessage, response: ServerResponse, pace: PushPace): PushClient {
  const { body: sent, at } = pushBody(request, pace)
  const body = contentOf(request, sent)
  return {
    body,
    protocol: gitProtocol(request.headers['git-protocol']),
    gone: disconnectSignal(response),
    at(point) {
      if (point !== 'over') return at(point)
      // With git's end nothing more is due of a body that has not ended.
      body.setIdleTimeout(Math.min(pace.clientIdleMs, DRAIN_MS))
      body.within(pace.receiveMs)
    },
    write(bytes) {
      if (!response.destroyed && !response.writableEnded) response.write(bytes)
    },
    async end() {
      // A request that never ended would keep its connection for ever, whatever was answered.
      if (!request.complete) response.once('finish', () => request.socket.destroySoon())
      await endWithTimeout(response, pace.clientIdleMs)
    },
    drop: () => response.destroy(),
  }
}

/** Aborts when a client closes before its answer is whole. */
export function disconnectSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new ClientGone('vanished'))
  })
  if (response.destroyed) gone.abort(new ClientGone('vanished'))
  return gone.signal
}

/** Ends an answer; a client that does not take the last of it within `idleMs` is cut off. Resolves with its loss. */
export async function endWithTimeout(
  response: ServerResponse,
  idleMs: number,
): Promise<DisconnectReason | undefined> {
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
