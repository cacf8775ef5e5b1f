import type { Socket } from 'node:net'

/**
 * Limits concurrent connections per client address. The returned function closes a connection beyond the
 * limit and returns false.
 */
export function connectionsByAddress(max: number): (socket: Socket) => boolean {
  const open = new Map<string, number>()
  return socket => {
    const address = socket.remoteAddress
    if (address === undefined) return true
    const before = open.get(address) ?? 0
    if (before >= max) {
      socket.destroy()
      return false
    }
    open.set(address, before + 1)
    socket.once('close', () => {
      const remaining = (open.get(address) ?? 1) - 1
      if (remaining > 0) open.set(address, remaining)
      else open.delete(address)
    })
    return true
  }
}
