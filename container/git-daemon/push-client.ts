import type { Socket } from 'node:net'
import { type PushClient, type PushPace, pushBody, TURNED_AWAY_MS } from '../client/push-client.ts'
import { ClientGone, readBody } from '../client/request-body.ts'

/**
 * Time for an idle client to receive the end of its response before its connection is closed, in
 * milliseconds.
 */
const LAST_RESPONSE_MS = 1_000

/**
 * Client of a `git://` push. Its request has no end of its own: git closes its side of the connection after
 * it has read the report.
 */
export interface GitClient extends PushClient {
  /**
   * Returns the next bytes without consuming them. Resolves with undefined if the client has disconnected or
   * was idle for too long.
   */
  peek(): Promise<Buffer | undefined>
}

/**
 * Wraps a `git://` connection as the client of a push. The stream after the command list is the pack, and
 * only git knows where the pack ends, so the idle timeout follows git's progress.
 */
export function gitClient(socket: Socket, protocol: string | undefined, pace: PushPace): GitClient {
  const { body: watched, enterPhase } = pushBody(socket, pace)
  const disconnect = new AbortController()
  const onDisconnect = () => disconnect.abort(new ClientGone('disconnected'))
  let isOver = false
  let isSilent = false
  let isTurnedAway = false
  let peeked: Buffer | undefined
  socket.once('close', onDisconnect)
  // git keeps its side open until it has the report. A client that closes its side has disconnected.
  socket.once('end', () => {
    if (!isOver) onDisconnect()
  })
  const next = async () => {
    const chunk =
      peeked ??
      (await watched.read().catch((error: unknown) => {
        isSilent = error instanceof ClientGone && error.reason !== 'disconnected'
        throw error
      }))
    peeked = undefined
    if (chunk === undefined && !isOver) throw new ClientGone('disconnected')
    return chunk
  }
  return {
    protocol,
    disconnected: disconnect.signal,
    async peek() {
      // Before the command list the client compares refs, which has no time limit beyond the idle timeout.
      watched.within(Number.POSITIVE_INFINITY)
      try {
        peeked = await next()
        enterPhase('commands')
        return peeked
      } catch (error) {
        if (error instanceof ClientGone) return undefined
        throw error
      }
    },
    body: {
      read: next,
      // The end of the pack is unknown here. end() drains the connection after the response.
      drain: async () => {},
    },
    enterPhase(phase) {
      if (phase === 'over') {
        isOver = true
        watched.endOfBody()
      } else {
        isTurnedAway ||= phase === 'turned away'
        enterPhase(phase)
      }
    },
    write(bytes) {
      if (socket.writable) socket.write(bytes)
    },
    async end() {
      isOver = true
      if (socket.writable) socket.end()
      if (!isSilent && !disconnect.signal.aborted)
        await drainSocket(socket, pace, isTurnedAway ? TURNED_AWAY_MS : pace.receiveMs)
      else setTimeout(() => socket.destroy(), LAST_RESPONSE_MS)
    },
    disconnect: () => socket.destroy(),
  }
}

/**
 * Discards the rest of the client's pack until the client closes: git reads the response only after it has
 * sent the pack.
 */
async function drainSocket(
  socket: Socket,
  { clientIdleMs: idleMs, minReceiveRate: bytesPerSecond }: PushPace,
  withinMs: number,
): Promise<void> {
  const rest = readBody(socket, { idleMs, bytesPerSecond, withinMs })
  await rest.drain().catch(() => {})
  socket.destroy()
}
