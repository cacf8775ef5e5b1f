import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { startSshServer } from '../../local/demo/sshd.ts'
import { startLocalGate } from '../../local/gate.ts'
import { openHome } from '../../local/state-folder.ts'
import { bundleWorker } from '../../local/worker/bundle.ts'
import { startWorker } from '../../local/worker/workerd.ts'

/** Serves the repositories of git's own tests through a gate: each is its upstream, behind a real sshd. */
export interface Shim extends AsyncDisposable {
  /** A folder with a `git-http-backend` that leads to the gate. */
  readonly execPath: string
}

const AGENT = 'git'
const EVERYTHING: ('create' | 'update' | 'force' | 'delete')[] = ['create', 'update', 'force', 'delete']
const RULES = ['refs/heads/**', 'refs/tags/**', 'refs/notes/**'].map(pattern => ({
  pattern,
  allow: EVERYTHING,
}))

/** Finds a repository as git-http-backend does. */
function repositoryAt(folder: string): string | undefined {
  const trimmed = folder.replace(/\/+$/, '')
  const places = ['/.git', '', '.git/.git', '.git'].map(end => trimmed + end)
  return places.find(place => fs.existsSync(path.join(place, 'HEAD')))
}

/** Starts a gate and the server that the CGI program asks. `folder` is readable by everyone. */
export async function startShim(
  folder: string,
  gitleaks: string,
  log: (line: string) => void,
): Promise<Shim> {
  await using all = new AsyncDisposableStack()
  const home = all.use(openHome(path.join(folder, 'home'), {}))
  const sshd = all.use(await startSshServer({ dir: path.join(folder, 'sshd'), port: 0 }))
  const code = await bundleWorker()
  const gate = all.use(
    await startLocalGate({
      home,
      port: 0,
      companionPort: 0,
      settings: { GATE_GITLEAKS: gitleaks },
      log,
      runWorker: options => startWorker({ ...options, code }),
    }),
  )
  sshd.authorize(await gate.admin.identity('suite'))
  await gate.admin.agent(AGENT)
  const { token } = await gate.admin.mint(AGENT, 'suite')
  const registered = new Map<string, Promise<string>>()
  const register = async (dir: string) => {
    const name = `${path.basename(dir, '.git').replaceAll(/[^A-Za-z0-9._-]/g, '-')}-${createHash('sha256').update(dir).digest('hex').slice(0, 10)}`
    const upstream = `ssh://${os.userInfo().username}@127.0.0.1:${sshd.port}${encodeURI(dir)}`
    await gate.admin.repository(name, { upstream, identity: 'suite', knownHosts: sshd.knownHosts })
    await gate.admin.grant(AGENT, name, { rules: RULES, pushOptions: ['*'] })
    return name
  }
  const nameOf = (asked: string) => {
    const dir = repositoryAt(asked)
    if (dir === undefined) return Promise.resolve('none')
    const known = registered.get(dir) ?? register(dir)
    registered.set(dir, known)
    return known
  }
  const server = http.createServer(async (request, response) => {
    const [, encoded = '', rest = ''] = /^\/([\w-]*)\/(.*)$/.exec(request.url ?? '') ?? []
    const name = await nameOf(Buffer.from(encoded, 'base64url').toString())
    const { host: _, connection: __, ...headers } = request.headers
    const authorization = `Basic ${Buffer.from(`${AGENT}:${token}`).toString('base64')}`
    const asked = http.request(
      `${gate.url}/${name}.git/${rest}`,
      { method: request.method, headers: { ...headers, authorization } },
      answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    asked.on('error', () => response.destroy())
    response.on('close', () => asked.destroy())
    request.pipe(asked)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  all.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the shim has no port')
  const execPath = path.join(folder, `exec-${randomBytes(4).toString('hex')}`)
  fs.mkdirSync(execPath)
  const cgi = path.join(execPath, 'http-backend.mjs')
  fs.copyFileSync(path.join(import.meta.dirname, 'http-backend.mjs'), cgi)
  fs.writeFileSync(
    path.join(execPath, 'git-http-backend'),
    `#!/bin/sh\nexec '${process.execPath}' '${cgi}' http://127.0.0.1:${address.port}\n`,
    { mode: 0o755 },
  )
  const running = all.move()
  return { execPath, [Symbol.asyncDispose]: () => running.disposeAsync() }
}
