import type { Socket } from 'node:net'
import { type PushClient, type PushPace, pushBody, TURNED_AWAY_MS } from '../client/push-client.ts'
import { ClientGone, readBody } from '../client/request-body.ts'

/** What a client that is let go gets of its answer, it gets within this, in milliseconds. */
const LAST_WORDS_MS = 1_000

/** A client of git's own protocol. Its side of the connection has no end: git ends it when it has its report. */
export interface GitClient extends PushClient {
  /** The next bytes without taking them; undefined when it has gone, or was silent for too long. */
  peek(): Promise<Buffer | undefined>
}

/**
 * A push that comes over a connection of git's own. What lies in the stream after the command list is the pack, and
 * only git knows where that ends; so the watch over a silent client follows what git does.
 */
export function gitClient(socket: Socket, protocol: string | undefined, pace: PushPace): GitClient {
  const { body: watched, at } = pushBody(socket, pace)
  const gone = new AbortController()
  const leave = () => gone.abort(new ClientGone('vanished'))
  let isOver = false
  let isSilent = false
  let isTurnedAway = false
  let peeked: Buffer | undefined
  socket.once('close', leave)
  // git keeps its side open until it has its report: one that closes it has gone.
  socket.once('end', () => {
    if (!isOver) leave()
  })
  const next = async () => {
    const chunk =
      peeked ??
      (await watched.read().catch((error: unknown) => {
        isSilent = error instanceof ClientGone && error.reason !== 'vanished'
        throw error
      }))
    peeked = undefined
    if (chunk === undefined && !isOver) throw new ClientGone('vanished')
    return chunk
  }
  return {
    protocol,
    gone: gone.signal,
    async peek() {
      // Until then it decides on its refs, and has not begun.
      watched.within(Number.POSITIVE_INFINITY)
      try {
        peeked = await next()
        at('commands')
        return peeked
      } catch (error) {
        if (error instanceof ClientGone) return undefined
        throw error
      }
    },
    body: {
      read: next,
      // Where its pack ends cannot be told; it is read away behind the answer.
      drain: async () => {},
    },
    at(point) {
      if (point === 'over') {
        isOver = true
        watched.endOfBody()
      } else {
        isTurnedAway ||= point === 'turned away'
        at(point)
      }
    },
    write(bytes) {
      if (socket.writable) socket.write(bytes)
    },
    async end() {
      isOver = true
      if (socket.writable) socket.end()
      if (!isSilent && !gone.signal.aborted)
        await readAway(socket, pace, isTurnedAway ? TURNED_AWAY_MS : pace.receiveMs)
      else setTimeout(() => socket.destroy(), LAST_WORDS_MS)
    },
    drop: () => socket.destroy(),
  }
}

/** A client that still sends its pack reads its answer only then: what it sends is dropped until it closes. */
async function readAway(
  socket: Socket,
  { clientIdleMs: idleMs, minReceiveRate: bytesPerSecond }: PushPace,
  withinMs: number,
): Promise<void> {
  const rest = readBody(socket, { idleMs, bytesPerSecond, withinMs })
  await rest.drain().catch(() => {})
  socket.destroy()
}
