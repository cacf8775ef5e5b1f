import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import type net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { Upstream } from './upstream.ts'

/**
 * A stand-in for an upstream's LFS server: batch, basic transfers, verify and locks, with faults on demand. Its
 * upstream names it over SSH, by `git-lfs-authenticate`.
 */
export interface LfsServer extends AsyncDisposable {
  readonly url: string
  /** The requests so far, such as `POST /objects/batch`. Object ids are left out. */
  readonly requests: string[]
  has(oid: string): boolean
  /** Puts an object into it past the gate. Returns its id. */
  put(content: Buffer | string): string
  remove(oid: string): void
  /** The fault of all later requests. */
  readonly faults: {
    /** The hrefs of earlier batches are refused. */
    expireHrefs(): void
    /** Tokens of earlier `git-lfs-authenticate` calls are refused. */
    expireTokens(): void
    /** Downloads send these bytes in the place of the object's. */
    sendInstead?: Buffer | undefined
    /** Downloads break off after this many bytes. */
    breakAfter?: number | undefined
    /** Uploads are answered with this status and message. */
    refuseUploads?: { status: number; message: string } | undefined
    /** Downloads wait for this. */
    hold?: Promise<void> | undefined
    /** Uploads wait for this before their answer. */
    holdUploads?: Promise<void> | undefined
    /** Uploads break off after their first bytes. */
    breakUploads?: boolean
    /** Closes the server's port and its connections. The returned function opens the port again. */
    leave(): Promise<() => Promise<void>>
    /** True for a server with the locking API. */
    hasLocks: boolean
  }
}

const Batch = z.object({
  operation: z.enum(['download', 'upload']),
  objects: z.array(z.object({ oid: z.string(), size: z.number() })),
})

/** Starts a server, and makes an upstream's sshd answer `git-lfs-authenticate` with its address. */
export async function startLfsServer(upstream: Pick<Upstream, 'dir'>): Promise<LfsServer> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-lfs-'))
  const at = (oid: string) => path.join(dir, oid)
  let token = randomBytes(12).toString('hex')
  let hrefKey = randomBytes(6).toString('hex')
  const requests: string[] = []
  const locks = new Map<string, { id: string; path: string; locked_at: string; owner: { name: string } }>()
  let url = ''
  const command = path.join(path.dirname(upstream.dir), 'git-shell-commands', 'git-lfs-authenticate')
  const announce = () => {
    fs.mkdirSync(path.dirname(command), { recursive: true })
    const answer = JSON.stringify({
      href: url,
      header: { Authorization: `Bearer ${token}` },
      expires_in: 3600,
    })
    fs.writeFileSync(command, `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 })
  }
  const faults: LfsServer['faults'] = {
    hasLocks: true,
    expireHrefs() {
      hrefKey = randomBytes(6).toString('hex')
    },
    expireTokens() {
      token = randomBytes(12).toString('hex')
      announce()
    },
    async leave() {
      const { port } = server.address() as net.AddressInfo
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      return async () => {
        server.listen(port, '127.0.0.1')
        await once(server, 'listening')
      }
    },
  }

  const actionsOf = (operation: string, oid: string) => {
    const action = (to: string) => ({ href: `${url}/objects/${oid}${to}?key=${hrefKey}`, expires_in: 600 })
    if (operation === 'download') return fs.existsSync(at(oid)) ? { download: action('') } : undefined
    return fs.existsSync(at(oid)) ? undefined : { upload: action(''), verify: action('/verify') }
  }
  const batch = (body: unknown) => {
    const { operation, objects } = Batch.parse(body)
    return objects.map(({ oid, size }) => {
      const actions = actionsOf(operation, oid)
      if (operation === 'download' && !actions)
        return { oid, size, error: { code: 404, message: 'not here' } }
      return { oid, size, authenticated: true, ...(actions ? { actions } : {}) }
    })
  }
  const answerLocks = (method: string, pathname: string, body: unknown): [number, unknown] => {
    const all = [...locks.values()]
    if (method === 'GET') return [200, { locks: all }]
    if (pathname === '/locks/verify') return [200, { ours: all, theirs: [] }]
    const unlock = /^\/locks\/(.+)\/unlock$/.exec(pathname)?.[1]
    if (unlock !== undefined) {
      const lock = locks.get(unlock)
      locks.delete(unlock)
      return lock ? [200, { lock }] : [404, { message: 'no such lock' }]
    }
    const { path: file } = z.object({ path: z.string() }).parse(body)
    const taken = all.find(lock => lock.path === file)
    if (taken) return [409, { lock: taken, message: 'already locked' }]
    const id = randomBytes(4).toString('hex')
    const lock = { id, path: file, locked_at: new Date().toISOString(), owner: { name: 'deploy-key' } }
    locks.set(id, lock)
    return [201, { lock }]
  }

  const serve = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '', url)
    const method = request.method ?? ''
    requests.push(`${method} ${pathname.replace(/[0-9a-f]{64}/, '…')}`)
    const json = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/vnd.git-lfs+json' })
      response.end(JSON.stringify(body))
    }
    const read = async () => JSON.parse((await request.setEncoding('utf8').toArray()).join('') || '{}')
    const oid = /^\/objects\/([0-9a-f]{64})/.exec(pathname)?.[1]
    const allowed = oid
      ? searchParams.get('key') === hrefKey
      : request.headers.authorization === `Bearer ${token}`
    if (!allowed) return json(oid ? 403 : 401, { message: 'the credentials have expired' })
    if (pathname === '/objects/batch') return json(200, { transfer: 'basic', objects: batch(await read()) })
    if (pathname.startsWith('/locks')) {
      if (!faults.hasLocks) return json(404, { message: 'no locks here' })
      return json(...answerLocks(method, pathname, method === 'POST' ? await read() : undefined))
    }
    if (oid && pathname.endsWith('/verify')) return json(fs.existsSync(at(oid)) ? 200 : 404, {})
    if (oid && method === 'PUT') return take(oid, request, json)
    if (oid) return send(oid, response)
    json(404, { message: 'nothing here' })
  }
  const take = async (
    oid: string,
    request: http.IncomingMessage,
    json: (status: number, body: unknown) => void,
  ) => {
    const refusal = faults.refuseUploads
    if (refusal) {
      request.resume()
      return json(refusal.status, { message: refusal.message })
    }
    if (faults.breakUploads) return void request.once('data', () => request.socket.destroy())
    const fresh = `${at(oid)}.${randomBytes(4).toString('hex')}`
    await pipeline(request, fs.createWriteStream(fresh))
    await faults.holdUploads
    fs.renameSync(fresh, at(oid))
    json(200, {})
  }
  const send = async (oid: string, response: http.ServerResponse) => {
    await faults.hold
    const size = fs.statSync(at(oid)).size
    response.writeHead(200, { 'content-length': size })
    if (faults.sendInstead) return response.end(faults.sendInstead)
    if (faults.breakAfter !== undefined) {
      response.write(fs.readFileSync(at(oid)).subarray(0, faults.breakAfter), () => response.destroy())
      return
    }
    await pipeline(fs.createReadStream(at(oid)), response)
  }
  const server = http.createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`
  announce()
  return {
    url,
    requests,
    has: oid => fs.existsSync(at(oid)),
    put(content) {
      const oid = createHash('sha256').update(content).digest('hex')
      fs.writeFileSync(at(oid), content)
      return oid
    },
    remove: oid => fs.rmSync(at(oid), { force: true }),
    faults,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      fs.rmSync(dir, { recursive: true, force: true })
    },
  }
}
