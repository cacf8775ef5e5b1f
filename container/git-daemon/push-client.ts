import type { Socket } from 'node:net'
import type { Client, Point } from '../http/push-client.ts'
import { bodyOf, ClientGone } from '../http/request-body.ts'
import type { Settings } from '../settings.ts'

/** What a client that is let go gets of its answer, it gets within this, in milliseconds. */
const LAST_WORDS_MS = 1_000

/** A client of git's own protocol. Its side of the connection has no end: git ends it when it has its report. */
export interface GitClient extends Client {
  /** The next bytes without taking them; undefined when it has gone, or was silent for too long. */
  peek(): Promise<Buffer | undefined>
}

/**
 * A push that comes over a connection of git's own. What lies in the stream after the command list is the pack, and
 * only git knows where that ends; so the watch over a silent client follows what git does.
 */
export function gitClient(
  socket: Socket,
  protocol: string | undefined,
  settings: Pick<Settings, 'clientIdleMs' | 'gitPackMs'>,
): GitClient {
  const watched = bodyOf(socket, settings.clientIdleMs)
  const gone = new AbortController()
  const leave = () => gone.abort(new ClientGone('vanished'))
  let isOver = false
  let isSilent = false
  let peeked: Buffer | undefined
  socket.once('close', leave)
  // git keeps its side open until it has its report: one that closes it has gone.
  socket.once('end', () => {
    if (!isOver) leave()
  })
  const allowed: Readonly<Record<Exclude<Point, 'over'>, number>> = {
    list: settings.gitPackMs,
    pack: settings.clientIdleMs,
    working: settings.clientIdleMs,
    judged: Number.POSITIVE_INFINITY,
  }
  const next = async () => {
    const chunk =
      peeked ??
      (await watched.next().catch((error: unknown) => {
        isSilent = error instanceof ClientGone && error.how === 'idle'
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
      try {
        peeked = await next()
        return peeked
      } catch (error) {
        if (error instanceof ClientGone) return undefined
        throw error
      }
    },
    body: {
      next,
      // Where its pack ends cannot be told; it is read away behind the answer.
      drain: async () => {},
    },
    at(point) {
      if (point === 'over') {
        isOver = true
        watched.stop()
      } else watched.allow(allowed[point])
    },
    write(bytes) {
      if (socket.writable) socket.write(bytes)
    },
    async end() {
      isOver = true
      if (socket.writable) socket.end()
      if (!isSilent && !gone.signal.aborted) await readAway(socket, settings.clientIdleMs)
      else setTimeout(() => socket.destroy(), LAST_WORDS_MS)
    },
    drop: () => socket.destroy(),
  }
}

/** A client that still sends its pack reads its answer only then: what it sends is dropped until it closes. */
async function readAway(socket: Socket, idleMs: number): Promise<void> {
  const rest = bodyOf(socket, idleMs)
  await rest.drain().catch(() => {})
  socket.destroy()
}
