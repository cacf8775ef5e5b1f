import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'

/**
 * Relays connections to `port` on [::1] to 127.0.0.1. Browsers resolve names below localhost to both
 * addresses, [::1] first: another program that listened there would share the console's origin. Rejects when
 * the port is in use.
 */
export async function relayFromIPv6(port: number): Promise<AsyncDisposable> {
  try {
    return await relay({ port, host: '::1', ipv6Only: true }, port)
  } catch (error) {
    if (isWithoutIPv6(error)) return { [Symbol.asyncDispose]: async () => {} }
    throw new Error(`port ${port} of [::1] is in use; stop what listens there, or set PORT to another`, {
      cause: error,
    })
  }
}

/** Linux's limit of a socket's path, in bytes. */
const MAX_PATH = 107

/**
 * Relays connections to a Unix socket to `port` of 127.0.0.1. gh asks over https only, but speaks plain HTTP to a socket
 * (`http_unix_socket`). A path that is too long for a socket gets none.
 */
export async function relayFromSocket(path: string, port: number): Promise<AsyncDisposable> {
  if (Buffer.byteLength(path) > MAX_PATH) return { [Symbol.asyncDispose]: async () => {} }
  // A gate that was killed leaves its socket. The state folder has one gate at a time.
  fs.rmSync(path, { force: true })
  return relay({ path }, port)
}

async function relay(from: net.ListenOptions, port: number): Promise<AsyncDisposable> {
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
  server.listen(from)
  await once(server, 'listening')
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
