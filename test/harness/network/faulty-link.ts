import { once } from 'node:events'
import net from 'node:net'

/** A TCP proxy in front of a server, with faults on demand. */
export interface FaultyLink extends AsyncDisposable {
  readonly port: number
  /** `http://<its address>` */
  readonly url: string
  /** Resolves when the proxy has carried `bytes` from clients to the server. */
  carried(bytes: number): Promise<void>
  /** The number of accepted connections. */
  readonly connections: number
  /** The bytes that the server has sent. */
  readonly returned: number
  /** Stops everything, bytes and ends of connections: for each side the peer has vanished. */
  stall(): void
  resume(): void
  /** Delays every chunk by `ms` milliseconds. */
  delay(ms: number): void
  /** Limits the server's bytes to this rate from now on. */
  narrow(bytesPerSecond: number): void
  /** Resets from now on each connection over which the server has sent this many bytes. */
  cutAfter(bytes: number): void
  /** Resets the connections on both sides. */
  reset(): void
}

/** Starts a proxy on any port of `host` that connects to the port `target` of this machine. */
export async function faultyLink(target: number, host = '127.0.0.1'): Promise<FaultyLink> {
  const pairs = new Set<readonly [net.Socket, net.Socket]>()
  let stalled = false
  let lag = 0
  let rate = Number.POSITIVE_INFINITY
  let most = Number.POSITIVE_INFINITY
  let sent = 0
  let returned = 0
  let connections = 0
  const waiting = new Set<() => void>()

  /** Carries one direction. Bytes read while the link is stalled wait until it resumes. */
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
    let own = 0
    carry(upstream, client, true, bytes => {
      returned += bytes
      own += bytes
      if (own > most) for (const socket of pair) socket.resetAndDestroy()
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
    cutAfter(bytes) {
      most = bytes
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
