import type { Socket } from 'node:net'

/** The most connections without a pass. The Worker's requests follow their connections at once, so few of its own are among them. */
export const MAX_UNPROVEN = 512

/** The connections that have not carried a valid pass yet: any local process can open them. */
export interface UnprovenConnections {
  add(socket: Socket): void
  /** A valid pass has arrived on the connection. */
  prove(socket: Socket): void
}

/** The number of connections without a pass is limited: the newest stay, so the Worker can always connect. */
export function limitUnproven(): UnprovenConnections {
  const unproven = new Set<Socket>()
  return {
    add(socket) {
      unproven.add(socket)
      socket.once('close', () => unproven.delete(socket))
      // A set iterates in the order of insertion.
      const [oldest] = unproven
      if (unproven.size > MAX_UNPROVEN) oldest?.destroy()
    },
    prove: socket => void unproven.delete(socket),
  }
}
