import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { DisconnectReason } from '../../src/contract/outcome.ts'
import { IdleDeadline } from '../client/idle-deadline.ts'
import type { Git } from '../git/git.ts'
import { MAX_REQUEST_BYTES, TOO_MANY_NAMES } from '../git/http-backend.ts'
import { pktLine } from '../git/pkt-line.ts'
import { killGroup } from '../process/spawn.ts'
import { endedBy, type SessionEnd } from '../sessions/session-counts.ts'
import type { Settings } from '../settings.ts'

/**
 * A fetch over a connection of git's own: upload-pack between its two ends. A client that closes ends it, one that
 * owes a request and is silent too, and one that takes nothing of what git has for it.
 */
export async function fetchOver(
  socket: Socket,
  git: Git,
  protocol: string | undefined,
  settings: Pick<Settings, 'clientIdleMs' | 'readIdleMs' | 'minReceiveRate'>,
): Promise<SessionEnd> {
  const child = git.spawn(['upload-pack', '--strict', git.dir], {
    signal: new AbortController().signal,
    env: protocol ? { GIT_PROTOCOL: protocol } : {},
  })
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new Error('git upload-pack could not be started')
  let unread: NodeJS.Timeout | undefined
  let reaped: DisconnectReason | undefined
  const stop = (why: DisconnectReason) => {
    reaped ??= why
    clearTimeout(unread)
    deadline.rest()
    killGroup(child)
    // What nobody reads any more would keep it from its end.
    stdout.destroy()
    socket.destroy()
  }
  const deadline = new IdleDeadline(
    { idleMs: settings.clientIdleMs, bytesPerSecond: settings.minReceiveRate },
    stop,
  )
  /** git tells that it works, every few seconds; so silence on both ends is the client's. */
  const answered = () => {
    clearTimeout(unread)
    if (socket.writableNeedDrain) {
      deadline.rest()
      unread = setTimeout(stop, settings.readIdleMs, 'unread')
    } else {
      deadline.allow(settings.clientIdleMs)
      deadline.wait()
    }
  }
  let asked = 0
  socket.on('data', (chunk: Buffer) => {
    asked += chunk.length
    if (asked <= MAX_REQUEST_BYTES || reaped) return
    killGroup(child)
    socket.end(pktLine(`ERR git-gate: ${TOO_MANY_NAMES}`))
  })
  stdin.on('error', () => {})
  stderr.resume()
  carry(socket, stdin, bytes => deadline.received(bytes))
  carry(stdout, socket, answered)
  socket.once('end', () => stdin.end())
  const closed = () => stop('vanished')
  socket.once('close', closed)
  deadline.wait()
  await new Promise(resolve => child.once('close', resolve))
  clearTimeout(unread)
  deadline.rest()
  socket.off('close', closed)
  if (socket.writable) socket.end()
  const late = setTimeout(() => socket.destroy(), settings.readIdleMs)
  await new Promise<void>(resolve => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
  clearTimeout(late)
  return endedBy(reaped)
}

/** One direction, at the reader's pace; its ends are the caller's. */
function carry(from: Readable, to: Writable, moved: (bytes: number) => void): void {
  from.on('data', (chunk: Buffer) => {
    if (!to.write(chunk)) {
      from.pause()
      to.once('drain', () => {
        from.resume()
        moved(0)
      })
    }
    moved(chunk.length)
  })
}
