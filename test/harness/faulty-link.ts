import { once } from 'node:events'
import net from 'node:net'

/** A TCP connection's way to a server, with faults on demand. */
export interface FaultyLink extends AsyncDisposable {
  readonly port: number
  /** `http://<its address>` */
  readonly url: string
  /** Resolves when so many bytes have gone from clients to the server. */
  carried(bytes: number): Promise<void>
  /** How many connections it has taken. */
  readonly connections: number
  /** How many bytes have come back from the server. */
  readonly returned: number
  /** Nothing passes any more, neither bytes nor the ends of connections: the peer has vanished. */
  stall(): void
  resume(): void
  /** Every chunk takes this much longer, in milliseconds. */
  delay(ms: number): void
  /** From now on servers' bytes come through at this rate. */
  narrow(bytesPerSecond: number): void
  /** Both sides see a reset. */
  reset(): void
}

/** A link to a port of this machine, from another one at one of its addresses. */
export async function faultyLink(target: number, host = '127.0.0.1'): Promise<FaultyLink> {
  const pairs = new Set<readonly [net.Socket, net.Socket]>()
  let stalled = false
  let lag = 0
  let rate = Number.POSITIVE_INFINITY
  let sent = 0
  let returned = 0
  let connections = 0
  const waiting = new Set<() => void>()

  /** One direction. What is read while the link is stalled stays with it until the link resumes. */
  const carry = (from: net.Socket, to: net.Socket, isNarrow: boolean, count: (bytes: number) => void) => {
    let last = Promise.resolve()
    const inOrder = (step: () => void) => {
      const due = Date.now() + lag
      last = last.then(async () => {
        await new Promise(resolve => setTimeout(resolve, Math.max(0, due - Date.now())))
        step()
      })
    }
    from.on('data', chunk => {
      const pass = () => {
        if (!to.destroyed && !to.write(chunk)) {
          from.pause()
          to.once('drain', () => {
            if (!stalled) from.resume()
          })
        }
        count(chunk.length)
      }
      if (lag) inOrder(pass)
      else pass()
      const ms = (1000 * chunk.length) / rate
      if (!isNarrow || ms === 0) return
      from.pause()
      setTimeout(() => {
        if (!stalled) from.resume()
      }, ms)
    })
    from.on('end', () => inOrder(() => to.end()))
    from.on('error', () => {
      if (!stalled) to.destroy()
    })
  }

  const server = net.createServer({ allowHalfOpen: true }, client => {
    const upstream = net.connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
    const pair = [client, upstream] as const
    connections += 1
    pairs.add(pair)
    for (const socket of pair)
      socket.on('close', () => {
        if (client.destroyed && upstream.destroyed) pairs.delete(pair)
      })
    carry(client, upstream, false, bytes => {
      sent += bytes
      for (const look of waiting) look()
    })
    carry(upstream, client, true, bytes => {
      returned += bytes
    })
    if (stalled) for (const socket of pair) socket.pause()
  })
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const each = (act: (socket: net.Socket) => void) => {
    for (const pair of pairs) for (const socket of pair) act(socket)
  }
  return {
    port,
    url: `http://${host}:${port}`,
    carried: bytes =>
      new Promise(resolve => {
        const look = () => {
          if (sent < bytes) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    get connections() {
      return connections
    },
    get returned() {
      return returned
    },
    stall() {
      stalled = true
      each(socket => socket.pause())
    },
    resume() {
      stalled = false
      each(socket => socket.resume())
    },
    delay(ms) {
      lag = ms
    },
    narrow(bytesPerSecond) {
      rate = bytesPerSecond
    },
    reset: () => each(socket => socket.resetAndDestroy()),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      each(socket => socket.destroy())
      await closed
    },
  }
}
