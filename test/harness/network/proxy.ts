import { once } from 'node:events'
import { createServer } from 'node:http'
import net from 'node:net'

/** A proxy for HTTPS (CONNECT). */
export interface Proxy extends AsyncDisposable {
  readonly url: string
  /** The host and port of each connection. */
  readonly connected: string[]
}

export async function startProxy(): Promise<Proxy> {
  const connected: string[] = []
  const server = createServer()
  server.on('connect', (request, client, head) => {
    connected.push(request.url ?? '')
    const [host, port] = (request.url ?? '').split(':')
    const there = net.connect(Number(port), host)
    there.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      there.write(head)
      there.pipe(client).pipe(there)
    })
    for (const [one, other] of [
      [client, there],
      [there, client],
    ] as const)
      one.on('error', () => {}).once('close', () => other.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    connected,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}
