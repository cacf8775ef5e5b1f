import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { freePort } from '../../harness/network/free-port.ts'
import { until } from '../../harness/until.ts'

const GITEA_FOLDER = path.join(import.meta.dirname, '../../../.cache/gitea')
export const GITEA_PROGRAM = path.join(GITEA_FOLDER, 'gitea')
export const GITEA_STATIC = path.join(GITEA_FOLDER, 'static')

/** A real Gitea on loopback, with SQLite, its own SSH server and LFS. */
export interface Gitea extends AsyncDisposable {
  /** The base URL without a slash at its end. */
  readonly url: string
  readonly sshPort: number
  /** The SSH server's host keys, as lines of a known-hosts file. */
  readonly knownHosts: string
  /** Sends a request to the API as the administrator. Rejects on a status other than 2xx. */
  api(method: string, path: string, body?: unknown): Promise<unknown>
  /** Adds a user. */
  user(name: string): Promise<GiteaUser>
  /** Everything that it logged. */
  readonly log: readonly string[]
}

export interface GiteaUser {
  readonly name: string
  readonly password: string
  /** Makes a token with scopes such as `write:repository`. */
  token(...scopes: string[]): Promise<string>
  /** Sends a request to the API as this user. */
  api(method: string, path: string, body?: unknown): Promise<unknown>
}

const ADMIN = 'operator'
const START_MS = 90_000

/** Starts a Gitea. Where the tests run as root it runs as nobody, since it refuses to run as root. */
export async function startGitea(): Promise<Gitea> {
  await using all = new AsyncDisposableStack()
  const user = runAs()
  // The tests' own folder for temporary files is closed to other users.
  const dir = fs.mkdtempSync(path.join(user.ids ? '/tmp' : os.tmpdir(), 'gate-gitea-'))
  all.defer(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
  const [port, sshPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const config = path.join(dir, 'app.ini')
  fs.writeFileSync(config, settings({ dir, port, sshPort, userName: user.name }))
  if (user.ids) for (const each of [dir, config]) fs.chownSync(each, user.ids.uid, user.ids.gid)
  const options = {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: dir, USER: user.name, GITEA_WORK_DIR: dir },
    ...user.ids,
  }
  const password = randomBytes(12).toString('hex')
  const run = (...args: string[]) =>
    execFileSync(GITEA_PROGRAM, ['--config', config, ...args], {
      ...options,
      encoding: 'utf8',
      stdio: 'pipe',
    })
  run('migrate')
  run(
    ...['admin', 'user', 'create', '--admin', '--username', ADMIN, '--password', password],
    ...['--email', 'operator@example.com', '--must-change-password=false'],
  )
  const log: string[] = []
  const child = spawn(GITEA_PROGRAM, ['--config', config, 'web'], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.on('data', chunk => log.push(String(chunk)))
  child.stderr.on('data', chunk => log.push(String(chunk)))
  all.defer(() => stop(child))
  await untilHealthy(url, child, log)
  const api = apiOf(url, ADMIN, password)
  const running = all.move()
  return {
    url,
    sshPort,
    knownHosts: execFileSync('ssh-keyscan', ['-p', String(sshPort), '127.0.0.1'], {
      encoding: 'utf8',
      stdio: 'pipe',
    }),
    api,
    log,
    async user(name) {
      const secret = randomBytes(12).toString('hex')
      await api('POST', '/admin/users', {
        username: name,
        email: `${name}@example.com`,
        password: secret,
        must_change_password: false,
      })
      const own = apiOf(url, name, secret)
      return {
        name,
        password: secret,
        api: own,
        async token(...scopes) {
          const made = await own('POST', `/users/${name}/tokens`, {
            name: randomBytes(6).toString('hex'),
            scopes,
          })
          return z.object({ sha1: z.string() }).parse(made).sha1
        },
      }
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

function apiOf(url: string, user: string, password: string): Gitea['api'] {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return async (method, route, body) => {
    const response = await fetch(`${url}/api/v1${route}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }
}

function runAs(): { name: string; ids?: { uid: number; gid: number } } {
  if (process.getuid?.() !== 0) return { name: os.userInfo().username }
  const id = (option: string) => Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }))
  return { name: 'nobody', ids: { uid: id('-u'), gid: id('-g') } }
}

const settings = (at: { dir: string; port: number; sshPort: number; userName: string }) => `
RUN_MODE = prod
RUN_USER = ${at.userName}
WORK_PATH = ${at.dir}
[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${at.port}
ROOT_URL = http://127.0.0.1:${at.port}/
STATIC_ROOT_PATH = ${GITEA_STATIC}
APP_DATA_PATH = ${at.dir}/data
START_SSH_SERVER = true
SSH_DOMAIN = 127.0.0.1
SSH_LISTEN_HOST = 127.0.0.1
SSH_LISTEN_PORT = ${at.sshPort}
SSH_PORT = ${at.sshPort}
BUILTIN_SSH_SERVER_USER = git
LFS_START_SERVER = true
LFS_JWT_SECRET = ${randomBytes(32).toString('base64url')}
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = ${at.dir}/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = ${randomBytes(32).toString('hex')}
[oauth2]
ENABLED = false
JWT_SECRET = ${randomBytes(32).toString('base64url')}
[service]
DISABLE_REGISTRATION = true
[repository]
ROOT = ${at.dir}/repositories
DEFAULT_BRANCH = main
[indexer]
ISSUE_INDEXER_TYPE = db
[cron]
ENABLED = false
[session]
PROVIDER = memory
[log]
MODE = console
LEVEL = Warn
`

async function untilHealthy(url: string, child: ChildProcess, log: readonly string[]): Promise<void> {
  const why = () => `Gitea does not start:\n${log.join('')}`
  const look = async () => {
    if (child.exitCode !== null) throw new Error(why())
    const response = await fetch(`${url}/api/healthz`).catch(() => undefined)
    return response?.ok || undefined
  }
  await until(look, START_MS, why)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await ended
  clearTimeout(late)
}
