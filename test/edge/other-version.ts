// A companion of which only the protocol's version is known: `node other-version.ts VERSION`.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const protocol = Number(process.argv[2])
const server = createServer((request, response) => {
  if (request.url === '/health') response.end(JSON.stringify({ ok: true, protocol, news: 'of that version' }))
  else response.writeHead(500).end('this one must not be asked')
})
server.listen(0, '127.0.0.1', () => {
  console.log(`companion: ready http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.once('SIGTERM', () => process.exit(0))
