import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import {
  createServer as createPlainServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'

/** A request that a host has received. */
export interface SeenRequest {
  readonly path: string
  readonly user: string | undefined
  readonly token: string | undefined
}

/** A Git host over HTTPS: git http-backend behind TLS and Basic authentication. */
export interface HttpsHost extends AsyncDisposable {
  /** The URL of the repository. */
  readonly url: string
  readonly requests: SeenRequest[]
  /** The tokens that the host accepts, and what each may do. */
  readonly tokens: Map<string, 'read' | 'write'>
  /** Redirects every request to this origin. */
  redirectTo: string | undefined
  /** Cuts the connection when git has taken a push and before it is answered. */
  cutsPushes: boolean
}

/** An authority made for the test, and a certificate of 127.0.0.1 from it. All in PEM. */
export interface Certificates {
  readonly ca: string
  readonly key: string
  readonly cert: string
}

export function makeCertificates(): Certificates {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-ca-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const end = ['-days', '2', '-subj']
  try {
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', ...end, '/CN=Test authority')
    openssl('req', ...key, '-keyout', 'host.key', '-out', 'host.csr', '-subj', '/CN=127.0.0.1')
    fs.writeFileSync(path.join(dir, 'names'), 'subjectAltName=IP:127.0.0.1\n')
    const issue = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names', '-days', '2']
    openssl('x509', '-req', '-in', 'host.csr', '-out', 'host.pem', ...issue)
    const read = (name: string) => fs.readFileSync(path.join(dir, name), 'utf8')
    return { ca: read('ca.pem'), key: read('host.key'), cert: read('host.pem') }
  } finally {
    fs.rmSync(dir, { recursive: true })
  }
}

/** Serves HTTPS on any port of 127.0.0.1; without certificates HTTP. */
export async function serveHttps(
  certificates: Certificates | undefined,
  listener: RequestListener,
): Promise<AsyncDisposable & { origin: string }> {
  const server = certificates
    ? createServer({ key: certificates.key, cert: certificates.cert }, listener)
    : createPlainServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `${certificates ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A proxy that ends TLS before a server at `url`. */
export const passOnTo =
  (url: string): RequestListener =>
  (request, response) => {
    const { method, headers } = request
    const onward = httpRequest(`${url}${request.url}`, { method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.once('error', () => response.destroy())
    request.pipe(onward)
  }

export function credentialsOf(request: IncomingMessage): Pick<SeenRequest, 'user' | 'token'> {
  const [, basic] = /^Basic (\S+)$/.exec(request.headers.authorization ?? '') ?? []
  if (!basic) return { user: undefined, token: undefined }
  const [user, ...token] = Buffer.from(basic, 'base64').toString('utf8').split(':')
  return { user, token: token.join(':') }
}

/** Starts a host of the bare repository `dir`. */
export async function startHttpsHost(
  dir: string,
  certificates: Certificates | undefined,
): Promise<HttpsHost> {
  const requests: SeenRequest[] = []
  const tokens: HttpsHost['tokens'] = new Map()
  const server = await serveHttps(certificates, (request, response) => {
    const { user, token } = credentialsOf(request)
    requests.push({ path: request.url ?? '', user, token })
    const isPush = /git-receive-pack/.test(request.url ?? '')
    const may = tokens.get(token ?? '')
    if (host.redirectTo)
      return void response.writeHead(302, { location: `${host.redirectTo}${request.url}` }).end()
    if (may === undefined) {
      request.resume()
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="host"' }).end()
    }
    if (isPush && may === 'read') {
      request.resume()
      return void response.writeHead(403, { 'content-type': 'text/plain' }).end('This token may only read.\n')
    }
    const cuts = host.cutsPushes && request.method === 'POST' && isPush
    runBackend(dir, user ?? '', request, response, cuts)
  })
  const host: HttpsHost = {
    url: `${server.origin}/acme/${path.basename(dir)}`,
    requests,
    tokens,
    redirectTo: undefined,
    cutsPushes: false,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
  return host
}

/** Runs git-http-backend(1) for a request. `cuts`: closes the connection instead of answering a push. */
function runBackend(
  dir: string,
  user: string,
  request: IncomingMessage,
  response: ServerResponse,
  cuts: boolean,
): void {
  const { pathname, search } = new URL(request.url ?? '', 'https://127.0.0.1')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROJECT_ROOT: path.dirname(dir),
      PATH_INFO: pathname.replace(/^\/acme/, ''),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      REMOTE_USER: user,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    },
  })
  child.stdin.on('error', () => {})
  request.pipe(child.stdin)
  response.once('close', () => child.stdin.destroy())
  let head = Buffer.alloc(0)
  let body = 0
  child.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) return void (cuts || response.write(chunk))
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    const lines = head.toString('latin1', 0, end).split('\r\n')
    const headers = lines.map(line => line.split(/: (.*)/s, 2) as [string, string])
    const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200)
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')))
    body = head.length - end - 4
    if (body > 0 && !cuts) response.write(head.subarray(end + 4))
  })
  child.once('close', () => {
    // The probe before a large push (git's remote-curl) has no commands.
    if (cuts && request.headers['content-length'] !== '4') response.destroy()
    else response.end()
  })
}
