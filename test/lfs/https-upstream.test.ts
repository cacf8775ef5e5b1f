import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { createLfsUpstreams } from '../../container/upstream/lfs-server/index.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'
import { sha256 } from './client.ts'

const CONTENT = 'an object'
const OBJECT = { oid: sha256(CONTENT), size: CONTENT.length }

/** Starts an LFS server that answers a batch with the action of `actionAt`. It records the requests' credentials. */
async function startServer(actionAt: (origin: string) => object, answered = {}) {
  const seen: string[] = []
  const server = http.createServer((request, response) => {
    seen.push(`${request.url}: ${request.headers.authorization ?? 'none'}`)
    if (request.url?.startsWith('/object')) return void response.end(CONTENT)
    const object = { ...OBJECT, ...answered, actions: { download: actionAt(origin) } }
    response.end(JSON.stringify({ transfer: 'basic', objects: [object] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, seen }
}

async function download(origin: string): Promise<string> {
  const upstream = upstreamOf({
    url: `${origin}/acme/app.git`,
    identity: null,
    credential: { name: 'acme', user: 'acme', app: null },
  })
  const credentials = { tokenFor: async () => ({ user: 'acme', token: 'abc' }), refused: () => {} }
  const linkTo = () => Promise.reject(new Error('not over HTTPS'))
  const lfs = createLfsUpstreams({ linkTo, credentials, forwardMs: 10_000 }).to(upstream)
  return text(await lfs.download(OBJECT, AbortSignal.timeout(10_000)))
}

const OWN = `Basic ${Buffer.from('acme:abc').toString('base64')}`

test('an action without credentials at the same host gets those of the upstream', async () => {
  const { origin, seen } = await startServer(at => ({ href: `${at}/object` }))
  expect(await download(origin)).toBe(CONTENT)
  expect(seen).toEqual([`/acme/app.git/info/lfs/objects/batch: ${OWN}`, `/object: ${OWN}`])
})

test('an action with its own credentials, or that takes none, does not get those of the upstream', async () => {
  const own = await startServer(at => ({ href: `${at}/object`, header: { authorization: 'Bearer x' } }))
  expect(await download(own.origin)).toBe(CONTENT)
  expect(own.seen.at(-1)).toBe('/object: Bearer x')
  const free = await startServer(at => ({ href: `${at}/object?signature=x` }), { authenticated: true })
  expect(await download(free.origin)).toBe(CONTENT)
  expect(free.seen.at(-1)).toBe('/object?signature=x: none')
})

test('an action at another host does not get the credentials of the upstream', async () => {
  const other = await startServer(at => ({ href: `${at}/object` }))
  const { origin } = await startServer(() => ({ href: `${other.origin}/object` }))
  expect(await download(origin)).toBe(CONTENT)
  expect(other.seen).toEqual(['/object: none'])
})
