import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { DisconnectReason } from '../../src/contract/outcome.ts'
import { IdleDeadline } from '../client/idle-deadline.ts'
import type { Git } from '../git/git.ts'
import { MAX_REQUEST_BYTES, TOO_MANY_NAMES } from '../git/http-backend.ts'
import { pktLine } from '../git/pkt-line.ts'
import { killGroup } from '../process/spawn.ts'
import { type SessionEnd, sessionEndOf } from '../sessions/session-counts.ts'
import type { Settings } from '../settings.ts'

/**
 * Serves a fetch over a `git://` connection: connects upload-pack to the socket. Git is killed if the client
 * disconnects, sends no request within the idle timeout, or takes no data.
 */
export async function serveUploadPack(
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
  let writeTimeout: NodeJS.Timeout | undefined
  let disconnectReason: DisconnectReason | undefined
  const stop = (reason: DisconnectReason) => {
    disconnectReason ??= reason
    clearTimeout(writeTimeout)
    deadline.rest()
    killGroup(child)
    // Unread output would keep the child's `close` event from firing.
    stdout.destroy()
    socket.destroy()
  }
  const deadline = new IdleDeadline(
    { idleMs: settings.clientIdleMs, bytesPerSecond: settings.minReceiveRate },
    stop,
  )
  /**
   * Git sends a keepalive every few seconds while it works, so silence in both directions means an idle
   * client.
   */
  const onOutput = () => {
    clearTimeout(writeTimeout)
    if (socket.writableNeedDrain) {
      deadline.rest()
      writeTimeout = setTimeout(stop, settings.readIdleMs, 'write-timeout')
    } else {
      deadline.allow(settings.clientIdleMs)
      deadline.wait()
    }
  }
  let requestBytes = 0
  socket.on('data', (chunk: Buffer) => {
    requestBytes += chunk.length
    if (requestBytes <= MAX_REQUEST_BYTES || disconnectReason) return
    killGroup(child)
    socket.end(pktLine(`ERR git-gate: ${TOO_MANY_NAMES}`))
  })
  stdin.on('error', () => {})
  stderr.resume()
  pump(socket, stdin, bytes => deadline.received(bytes))
  pump(stdout, socket, onOutput)
  socket.once('end', () => stdin.end())
  const closed = () => stop('disconnected')
  socket.once('close', closed)
  deadline.wait()
  await new Promise(resolve => child.once('close', resolve))
  clearTimeout(writeTimeout)
  deadline.rest()
  socket.off('close', closed)
  await endSocket(socket, settings.readIdleMs)
  return sessionEndOf(disconnectReason)
}

/** Ends a socket, and resolves when it is closed. A client that does not read the rest is disconnected. */
async function endSocket(socket: Socket, timeoutMs: number): Promise<void> {
  if (socket.writable) socket.end()
  const timer = setTimeout(() => socket.destroy(), timeoutMs)
  await new Promise<void>(resolve => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
  clearTimeout(timer)
}

/** Copies one direction with backpressure. The caller closes both streams. */
function pump(from: Readable, to: Writable, moved: (bytes: number) => void): void {
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
