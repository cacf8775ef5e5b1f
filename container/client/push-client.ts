import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { gitProtocol } from '../git/protocol-version.ts'
import type { Settings } from '../settings.ts'
import { contentOf } from './inflate-body.ts'
import { type Body, readBody, type WatchedBody } from './request-body.ts'
import { disconnectSignal, endWithTimeout } from './response-end.ts'

/**
 * Phases of a push that select its client's timeouts: waiting for the command list, list taken, pack bytes received,
 * git at work on a whole pack, pack in quarantine (pre-receive asks), git ended. `turned away`: the push is refused
 * without being read.
 */
export type ClientPhase = 'commands' | 'list' | 'pack' | 'working' | 'in-quarantine' | 'over' | 'turned away'

/** The settings for a push's timeouts and minimum rate. */
export type PushPace = Pick<
  Settings,
  'commandsMs' | 'clientIdleMs' | 'packStartMs' | 'receiveMs' | 'minReceiveRate'
>

/** The client of a push: reads its body and writes its response. */
export interface PushClient {
  readonly body: Body
  /** The client's Git-Protocol header, if a git client would write it. */
  readonly protocol: string | undefined
  /** Aborts when the client disconnects before its response has ended. */
  readonly disconnected: AbortSignal
  /** Begins a phase of the push, and with it the phase's timeouts. */
  enterPhase(phase: ClientPhase): void
  /** Writes a part of the response. Does nothing after a disconnect. */
  write(bytes: Buffer): void
  /** Ends the response. Resolves when the client has read it, or was disconnected on timeout. */
  end(): Promise<void>
  /** Disconnects the client without a response. */
  disconnect(): void
}

/** The idle timeout for a client's bytes after git has ended, in milliseconds. */
const DRAIN_MS = 2_000

/**
 * The time in which a client that is turned away must send its command list and the rest, in milliseconds.
 */
export const TURNED_AWAY_MS = 15_000

/** Reads a push's body under the timeouts of its phase. HTTP and `git://` share them. */
export function pushBody(
  stream: Readable,
  pace: PushPace,
): { body: WatchedBody; enterPhase(phase: Exclude<ClientPhase, 'over'>): void } {
  const { clientIdleMs: idleMs, minReceiveRate: bytesPerSecond } = pace
  const watched = readBody(stream, { idleMs, bytesPerSecond, withinMs: pace.commandsMs })
  let isReceiving = false
  let isTurnedAway = false
  /** Starts the total time for the pack once, at the end of the command list. */
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
    enterPhase(phase) {
      if (phase === 'turned away') {
        isTurnedAway = true
        return watched.within(TURNED_AWAY_MS)
      }
      if (phase === 'commands') return watched.within(pace.commandsMs)
      receive()
      // The checks and the forward have their own timeouts.
      if (phase === 'in-quarantine') watched.within(Number.POSITIVE_INFINITY)
      watched.setIdleTimeout(
        { list: pace.packStartMs, pack: idleMs, working: idleMs, 'in-quarantine': Number.POSITIVE_INFINITY }[
          phase
        ],
      )
    },
  }
}

/** The client of a push over HTTP, after the response has begun. */
export function httpClient(request: IncomingMessage, response: ServerResponse, pace: PushPace): PushClient {
  const { body: sent, enterPhase } = pushBody(request, pace)
  const body = contentOf(request, sent)
  return {
    body,
    protocol: gitProtocol(request.headers['git-protocol']),
    disconnected: disconnectSignal(response),
    enterPhase(phase) {
      if (phase !== 'over') return enterPhase(phase)
      // After git has ended, the gate needs no more bytes of the body.
      body.setIdleTimeout(Math.min(pace.clientIdleMs, DRAIN_MS))
      body.within(pace.receiveMs)
    },
    write(bytes) {
      if (!response.destroyed && !response.writableEnded) response.write(bytes)
    },
    async end() {
      // An unfinished request would keep its connection open after the response.
      if (!request.complete) response.once('finish', () => request.socket.destroySoon())
      await endWithTimeout(response, pace.clientIdleMs)
    },
    disconnect: () => response.destroy(),
  }
}
