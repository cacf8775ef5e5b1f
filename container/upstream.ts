import { createHash } from 'node:crypto'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type IdentityName, identityVariable } from '../src/contract/names.ts'
import type { Upstream } from '../src/contract/pass.ts'
import { printable } from './commands.ts'
import { orAborted } from './or-aborted.ts'
import { killGroup, spawnGroup } from './process.ts'

/** An upstream could not be used, in words for the agent: what, and whose part it is to mend it. */
export class UpstreamError extends Error {}

/** The way to one upstream: what git needs in its environment to reach it, over a few connections that it shares. */
export interface Link {
  /** Sees to it that a connection has room for one more. Rejects with UpstreamError, saying why. */
  connect(signal: AbortSignal): Promise<void>
  /**
   * A connection's use for one process, to be given back with `release` when that has ended. Rejects with
   * UpstreamError, saying why.
   */
  borrow(signal: AbortSignal): Promise<Borrowed>
  close(): void
}

/** A connection in use by one git process. */
export interface Borrowed {
  /** GIT_SSH_COMMAND for a git process. */
  readonly env: Readonly<Record<string, string>>
  /** The arguments of an `ssh` of one's own, up to the command to run there. */
  readonly ssh: readonly string[]
  /**
   * Given back. After `cut` the process did not come to its end: over a connection that lives on, the other side
   * would never learn that it is gone, so that connection takes nobody new and is closed with its last user.
   */
  release(how?: { cut?: boolean }): void
}

/** sshd takes ten sessions on a connection by default (MaxSessions in sshd_config(5)). */
const SESSIONS_PER_CONNECTION = 8

/** sshd drops some of those who are not in yet when they are more than ten (MaxStartups in sshd_config(5)). */
const OPENING_AT_ONCE = 4

/** An unused shared connection is closed after this long, in milliseconds. */
const CONNECTION_IDLE_MS = 10 * 60_000

/**
 * Where the links' files live: `folder` for configurations, and `sockets`, a short path, since a Unix socket's
 * is limited to 108 bytes.
 */
export interface LinkFolders {
  readonly identities: string
  readonly folder: string
  readonly sockets: string
}

/** Where an identity's private key is: made or taken here under its name, or come from the environment. */
const identityFiles = (folder: string, name: IdentityName) => [
  join(folder, name),
  join(folder, identityVariable(name)),
]

/** The ways to all upstreams. */
export interface Links {
  to(upstream: Upstream): Promise<Link>
  closeAll(): void
}

/** Links by what makes them: a change of URL, identity or pinned key makes another one. */
export function createLinks(folders: LinkFolders): Links {
  const links = new Map<string, Promise<Link>>()
  return {
    to(upstream) {
      const key = createHash('sha256')
        .update(JSON.stringify([hostOf(upstream.url), upstream.identity, upstream.knownHosts]))
        .digest('hex')
        .slice(0, 16)
      const known = links.get(key) ?? openLink(folders, key, upstream)
      links.set(key, known)
      known.catch(() => links.delete(key))
      return known
    },
    closeAll() {
      for (const link of links.values()) link.then(open => open.close()).catch(() => {})
    },
  }
}

const hostOf = (url: string) => partsOf(url).host

/** The destination of an SSH URL in either spelling, and the path there (git-fetch(1), "GIT URLS"). */
export function partsOf(url: string): { host: string; path: string } {
  const [, fullHost, fullPath] = /^ssh:\/\/([^/]+)(\/.*)$/s.exec(url) ?? []
  if (fullHost && fullPath) return { host: `ssh://${fullHost}`, path: fullPath.replace(/^\/~/, '~') }
  const [, host, path] = /^([^/:]+):(.+)$/s.exec(url) ?? []
  if (host && path) return { host, path }
  throw new UpstreamError(
    `the upstream's address is no SSH URL; the operator sets it with: git gate repo set`,
  )
}

async function openLink(folders: LinkFolders, key: string, upstream: Upstream): Promise<Link> {
  const identity = await firstThatExists(identityFiles(folders.identities, upstream.identity))
  if (!identity)
    throw new UpstreamError(
      `the gate has no identity "${upstream.identity}"; the operator makes it with: git gate identity new ${upstream.identity}`,
    )
  const folder = join(folders.folder, key)
  const config = join(folder, 'config')
  const control = join(folders.sockets, key)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'known_hosts'), `${upstream.knownHosts.trim()}\n`, { mode: 0o600 })
  await writeFile(config, sshConfig(identity, join(folder, 'known_hosts')), { mode: 0o600 })
  return sharedLink(upstream, config, control)
}

async function firstThatExists(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) if (await stat(file).catch(() => undefined)) return file
  return undefined
}

/**
 * ssh_config(5): only what the operator pinned is trusted, only the named key is offered, nothing ever asks. A shared
 * connection's master passes on what its own SendEnv names; without it git would speak protocol v0 to upstream.
 */
function sshConfig(identity: string, knownHosts: string): string {
  return `Host *
  BatchMode yes
  IdentityFile "${identity}"
  IdentitiesOnly yes
  IdentityAgent none
  PreferredAuthentications publickey
  UserKnownHostsFile "${knownHosts}"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  UpdateHostKeys no
  CanonicalizeHostname no
  ForwardAgent no
  ForwardX11 no
  SendEnv GIT_PROTOCOL
  ConnectTimeout 10
  ServerAliveInterval 5
  ServerAliveCountMax 3
  LogLevel ERROR
`
}

export const shellQuote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

/** One ssh connection that others go through; closed when it is at its end, or when nobody has used it for long. */
interface Connection {
  readonly control: string
  readonly ready: Promise<void>
  isOpening: boolean
  /** It takes nobody new. */
  isLeft: boolean
  borrowed: number
  idle: NodeJS.Timeout | undefined
  close(): void
}

function sharedLink(upstream: Upstream, config: string, control: string): Link {
  const ssh = `ssh -F ${shellQuote(config)} -S `
  const connections = new Set<Connection>()
  let opened = 0

  const open = () => {
    opened += 1
    const made = openConnection(upstream, config, `${control}.${opened}`, () => {
      clearTimeout(made.idle)
      connections.delete(made)
    })
    connections.add(made)
    rest(made)
    return made
  }
  const end = (connection: Connection) => {
    clearTimeout(connection.idle)
    connections.delete(connection)
    connection.close()
  }
  const rest = (connection: Connection) => {
    clearTimeout(connection.idle)
    if (connection.borrowed > 0 || !connections.has(connection)) return
    if (connection.isLeft) return end(connection)
    connection.idle = setTimeout(() => end(connection), CONNECTION_IDLE_MS)
    connection.idle.unref()
  }
  /** One with room, which may still be opening; undefined when so many are opening that one has to wait for them. */
  const roomy = (): Connection | undefined => {
    const usable = [...connections].filter(each => !each.isLeft && each.borrowed < SESSIONS_PER_CONNECTION)
    const known = usable.find(each => !each.isOpening) ?? usable[0]
    if (known) return known
    const opening = [...connections].filter(each => each.isOpening)
    return opening.length < OPENING_AT_ONCE ? open() : undefined
  }
  const anyOpened = () =>
    Promise.race([...connections].filter(each => each.isOpening).map(each => each.ready))

  return {
    async connect(signal) {
      signal.throwIfAborted()
      await orAborted(roomy()?.ready ?? anyOpened(), signal)
    },
    async borrow(signal) {
      signal.throwIfAborted()
      let through = roomy()
      for (; !through; through = roomy()) await orAborted(anyOpened(), signal)
      const taken = through
      let held = true
      const release: Borrowed['release'] = ({ cut = false } = {}) => {
        if (!held) return
        held = false
        taken.borrowed -= 1
        taken.isLeft ||= cut
        rest(taken)
      }
      taken.borrowed += 1
      clearTimeout(taken.idle)
      await orAborted(taken.ready, signal).catch(error => {
        release()
        throw error
      })
      return {
        env: { GIT_SSH_COMMAND: ssh + shellQuote(taken.control), GIT_SSH_VARIANT: 'ssh' },
        ssh: ['-F', config, '-S', taken.control, '-o', 'SendEnv=GIT_PROTOCOL', hostOf(upstream.url)],
        release,
      }
    },
    close() {
      for (const connection of connections) end(connection)
    },
  }
}

function openConnection(upstream: Upstream, config: string, control: string, atEnd: () => void): Connection {
  // A LocalCommand runs once the connection is up and its control socket listens: its line is the sign to go on.
  const child = spawnGroup(
    'ssh',
    [
      '-F',
      config,
      '-S',
      control,
      '-M',
      '-N',
      '-o',
      'PermitLocalCommand=yes',
      '-o',
      'LocalCommand=echo up',
      hostOf(upstream.url),
    ],
    {
      signal: new AbortController().signal,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH },
    },
  )
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-4096)
  })
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => {
      made.isOpening = false
      resolve()
    })
    child.once('error', () => reject(new UpstreamError('the gate cannot start ssh')))
    child.once('close', () => {
      made.isOpening = false
      atEnd()
      reject(upstreamProblem(upstream, said))
    })
  })
  ready.catch(() => {})
  const close = () => {
    killGroup(child)
    rm(control, { force: true }).catch(() => {})
  }
  const made: Connection = {
    control,
    ready,
    isOpening: true,
    isLeft: false,
    borrowed: 0,
    idle: undefined,
    close,
  }
  return made
}

/** What ssh or git said of an upstream, in one line that says whose part it is. */
export function upstreamProblem(upstream: Upstream, said: string): UpstreamError {
  const words = said
    .split('\n')
    .map(line => printable(line.replace(/^(remote|fatal|ERROR|ssh): /, '').trim()))
    .filter(
      line => line && !/^(Please make sure|and the repository exists|Could not read from remote)/.test(line),
    )
  const host = hostOf(upstream.url).replace(/^ssh:\/\//, '')
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key is known/i.test(said))
    return new UpstreamError(
      `the host key of ${host} is not the one pinned for ${upstream.name}; nothing was sent. The operator checks it and pins the right one`,
    )
  if (/Permission denied|Too many authentication failures/i.test(said))
    return new UpstreamError(
      `${host} does not accept the identity "${upstream.identity}"; the operator adds its public key there as a deploy key (git gate identity list)`,
    )
  if (
    /Connection (refused|timed out|reset|closed)|Could not resolve|No route|unreachable|timed out|banner exchange/i.test(
      said,
    ) ||
    words.length === 0
  )
    return new UpstreamError(
      `the upstream ${host} cannot be reached (${words.at(-1) ?? 'the connection ended without a word'}); try again later`,
    )
  if (/not appear to be a git repository|Repository not found|does not exist|could not be found/i.test(said))
    return new UpstreamError(
      `${host} has no such repository for the identity "${upstream.identity}" (${words.at(-1)}); the operator checks the upstream's address`,
    )
  return new UpstreamError(`the upstream ${host} said: ${words.slice(-3).join(' / ').slice(0, 500)}`)
}
