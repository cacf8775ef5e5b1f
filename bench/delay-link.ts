import { once } from 'node:events'
import net from 'node:net'

export interface DelayLink extends AsyncDisposable {
  readonly port: number
}

/**
 * Starts a TCP proxy to a local port with a latency of `roundTripMs`: half of it in each direction, and a
 * whole round trip for the handshake of a new connection, as in TCP. It does not limit the bandwidth.
 */
export async function delayLink(target: number, roundTripMs: number): Promise<DelayLink> {
  const sockets = new Set<net.Socket>()
  const carry = (from: net.Socket, to: net.Socket, openAt: number) => {
    let underWay: Promise<void> = Promise.resolve()
    const later = (step: () => void) => {
      const due = Math.max(performance.now(), openAt) + roundTripMs / 2
      underWay = underWay.then(async () => {
        const wait = due - performance.now()
        if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait))
        step()
      })
    }
    from.on('data', bytes => later(() => void (to.destroyed || to.write(bytes))))
    from.on('end', () => later(() => to.end()))
    from.on('error', () => to.destroy())
  }
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, client => {
    const upstream = net.connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const openAt = performance.now() + roundTripMs
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
    carry(client, upstream, openAt)
    carry(upstream, client, openAt)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
