// A stand-in for cloudflare/proxy-everything, the container that `wrangler dev` puts beside each container and whose
// network both share: `node network-sidecar.ts --http-ingress-address HOST:PORT …`. It opens ways in (CONNECT, to
// X-Dst-Addr) and takes word of ways out (PUT /egress), which it does not intercept.
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ strict: false, options: { 'http-ingress-address': { type: 'string' } } })
const [host, port] = String(values['http-ingress-address']).split(':')

const server = createServer((request, response) => {
  request.resume()
  response.writeHead(request.method === 'PUT' ? 204 : 200).end()
})
server.on('connect', (request, client, head) => {
  const [, wanted] = /:(\d+)$/.exec(String(request.headers['x-dst-addr'] ?? request.url)) ?? []
  const inside = connect({ host: '127.0.0.1', port: Number(wanted), allowHalfOpen: true })
  inside.once('connect', () => {
    client.write('HTTP/1.1 200 OK\r\n\r\n')
    inside.write(head)
    client.pipe(inside)
    inside.pipe(client)
  })
  inside.once('error', () => client.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'))
  inside.once('close', () => client.destroy())
  client.on('error', () => inside.destroy())
  client.once('close', () => inside.destroy())
})
server.listen(Number(port), host)
process.once('SIGTERM', () => process.exit(0))
