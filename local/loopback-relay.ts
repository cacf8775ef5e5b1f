import { once } from 'node:events'
import net from 'node:net'

/**
 * Relays connections to `port` on [::1] to 127.0.0.1. Browsers resolve names below localhost to both
 * addresses, [::1] first: another program that listened there would share the console's origin. Rejects when
 * the port is in use.
 */
export async function relayFromIPv6(port: number): Promise<AsyncDisposable> {
  const open = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true }, client => {
    const worker = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    for (const [from, to] of [
      [client, worker],
      [worker, client],
    ] as const) {
      open.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
    }
  })
  server.listen({ port, host: '::1', ipv6Only: true })
  try {
    await once(server, 'listening')
  } catch (error) {
    if (isWithoutIPv6(error)) return { [Symbol.asyncDispose]: async () => {} }
    throw new Error(`port ${port} of [::1] is in use; stop what listens there, or set PORT to another`, {
      cause: error,
    })
  }
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}

const isWithoutIPv6 = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(String(error.code))
