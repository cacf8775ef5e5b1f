import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { Git } from '../git.ts'
import { killGroup } from '../process.ts'
import type { Settings } from '../settings.ts'

/**
 * A fetch over a connection of git's own: upload-pack between its two ends. A client that closes ends it, one that
 * owes a request and is silent too, and one that takes nothing of what git has for it.
 */
export async function fetchOver(
  socket: Socket,
  git: Git,
  protocol: string | undefined,
  settings: Pick<Settings, 'clientIdleMs' | 'readIdleMs'>,
): Promise<void> {
  const child = git.start(['upload-pack', '--strict', git.dir], {
    signal: new AbortController().signal,
    env: protocol ? { GIT_PROTOCOL: protocol } : {},
  })
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new Error('git upload-pack could not be started')
  let idle: NodeJS.Timeout | undefined
  const stop = () => {
    clearTimeout(idle)
    killGroup(child)
    socket.destroy()
  }
  /** git tells that it works, every five seconds; so silence on both ends is the client's. */
  const alive = () => {
    clearTimeout(idle)
    idle = setTimeout(stop, socket.writableNeedDrain ? settings.readIdleMs : settings.clientIdleMs)
  }
  stdin.on('error', () => {})
  stderr.resume()
  carry(socket, stdin, alive)
  carry(stdout, socket, alive)
  socket.once('end', () => stdin.end())
  socket.once('close', stop)
  alive()
  await new Promise(resolve => child.once('close', resolve))
  clearTimeout(idle)
  socket.off('close', stop)
  if (socket.writable) socket.end()
  const late = setTimeout(() => socket.destroy(), settings.readIdleMs)
  await new Promise<void>(resolve => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
  clearTimeout(late)
}

/** One direction, at the reader's pace; its ends are the caller's. */
function carry(from: Readable, to: Writable, moved: () => void): void {
  from.on('data', (chunk: Buffer) => {
    if (!to.write(chunk)) {
      from.pause()
      to.once('drain', () => {
        from.resume()
        moved()
      })
    }
    moved()
  })
}
