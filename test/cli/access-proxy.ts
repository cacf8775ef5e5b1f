import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A fake Cloudflare Access, which redirects requests without a service token to a sign-in page. */
export async function startAccessProxy(gate: string) {
  const [id, secret] = [`${randomBytes(8).toString('hex')}.access`, randomBytes(16).toString('hex')]
  const server = createServer(async ({ url = '', headers }, response) => {
    if (headers['cf-access-client-id'] !== id || headers['cf-access-client-secret'] !== secret)
      return response.writeHead(302, { location: 'https://acme.example/cdn-cgi/access/login' }).end()
    const { authorization = '' } = headers
    const answer = await fetch(new URL(url, gate), { headers: { authorization } })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    id,
    secret,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
