import { createHash } from 'node:crypto'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type IdentityName, identityVariable } from '../../src/contract/names.ts'
import type { Upstream } from '../../src/contract/pass.ts'
import { decodePath } from '../../src/contract/upstream.ts'
import { printable } from '../git/command-list.ts'
import { type ConnectionLease, createSshPool } from './ssh-connections.ts'
import { UpstreamError } from './upstream-error.ts'

/** The connection to an upstream: git's environment for it, over a shared pool of ssh connections. */
export interface SshLink {
  /** Opens a connection when none has room for another process. Rejects with UpstreamError. */
  connect(signal: AbortSignal): Promise<void>
  /**
   * Leases a connection for one process. The caller calls `release` after the process has ended. Rejects with
   * UpstreamError.
   */
  acquire(signal: AbortSignal): Promise<LinkLease>
  close(): void
}

/** The lease of a connection for one process. */
export interface LinkLease extends Pick<ConnectionLease, 'release'> {
  /** The environment of a git process (GIT_SSH_COMMAND). */
  readonly env: Readonly<Record<string, string>>
  /** The arguments of a direct `ssh` call, up to the remote command. */
  readonly ssh: readonly string[]
}

/**
 * The folders of the links' files. `folder` has ssh's configurations. `sockets` is a short path, since the
 * path of a Unix socket is limited to 108 bytes.
 */
export interface LinkFolders {
  readonly identities: string
  readonly folder: string
  readonly sockets: string
}

/**
 * Returns the possible paths of an identity's private key: created or imported under its name, or taken from
 * the environment.
 */
const identityFiles = (folder: string, name: IdentityName) => [
  join(folder, name),
  join(folder, identityVariable(name)),
]

/** The links to all upstreams. */
export interface Links {
  to(upstream: Upstream): Promise<SshLink>
  closeAll(): void
}

/**
 * Keeps a link for each combination of host, identity and pinned host key. A change of any of them makes a
 * new link.
 */
export function createLinks(folders: LinkFolders): Links {
  const links = new Map<string, Promise<SshLink>>()
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

const hostOf = (url: string) => parseSshUrl(url).host

/**
 * Splits an SSH URL in either form into ssh's destination and the path there (git-fetch(1), "GIT URLS").
 * Throws UpstreamError on any other URL.
 */
export function parseSshUrl(url: string): { host: string; path: string } {
  const [, fullHost, fullPath] = /^ssh:\/\/([^/]+)(\/.*)$/s.exec(url) ?? []
  if (fullHost && fullPath) {
    const path = decodePath(fullPath) ?? fullPath
    return { host: `ssh://${fullHost}`, path: path.replace(/^\/~/, '~') }
  }
  const [, user = '', address, name, path] = /^([^@/:[]+@)?(?:\[([^\]/]+)\]|([^/:[]+)):(.+)$/s.exec(url) ?? []
  const host = address ?? name
  if (host && path) return { host: `${user}${host}`, path }
  throw new UpstreamError("the upstream's address is no SSH URL", {
    fix: 'set it with: git gate repo set NAME --upstream URL',
  })
}

async function openLink(folders: LinkFolders, key: string, upstream: Upstream): Promise<SshLink> {
  const { identity: name } = upstream
  const identity = name === null ? undefined : await findFirst(identityFiles(folders.identities, name))
  if (!identity)
    throw new UpstreamError(`the gate has no identity "${name}"`, {
      fix: `make it with: git gate identity new ${name}`,
    })
  const folder = join(folders.folder, key)
  const config = join(folder, 'config')
  const control = join(folders.sockets, key)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'known_hosts'), `${upstream.knownHosts.trim()}\n`, { mode: 0o600 })
  await writeFile(config, sshConfig(identity, join(folder, 'known_hosts')), { mode: 0o600 })
  return createLink(upstream, config, control)
}

async function findFirst(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) if (await stat(file).catch(() => undefined)) return file
  return undefined
}

/**
 * Returns the configuration (ssh_config(5)): ssh trusts only the pinned host keys, offers only the identity's
 * key, and never prompts.
 *
 * A shared connection's master forwards only the variables of its own SendEnv. Without GIT_PROTOCOL there,
 * git would use protocol v0.
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

function createLink(upstream: Upstream, config: string, control: string): SshLink {
  const ssh = `ssh -F ${shellQuote(config)} -S `
  const host = hostOf(upstream.url)
  const problem = (said?: string) =>
    said === undefined ? new UpstreamError('the gate cannot start ssh') : toUpstreamError(upstream, said)
  const connections = createSshPool({ config, control, host, problem })
  return {
    connect: connections.connect,
    async acquire(signal) {
      const { control, release } = await connections.borrow(signal)
      return {
        env: { GIT_SSH_COMMAND: ssh + shellQuote(control), GIT_SSH_VARIANT: 'ssh' },
        ssh: ['-F', config, '-S', control, '-o', 'SendEnv=GIT_PROTOCOL', host],
        release,
      }
    },
    close: connections.close,
  }
}

/** Turns the stderr of ssh or git into one line that tells the agent who can fix the problem. */
export function toUpstreamError(upstream: Upstream, said: string): UpstreamError {
  const words = said
    .split('\n')
    .map(line => printable(line.replace(/^(remote|fatal|ERROR|ssh): /, '').trim()))
    .filter(
      line => line && !/^(Please make sure|and the repository exists|Could not read from remote)/.test(line),
    )
  const host = hostOf(upstream.url).replace(/^ssh:\/\//, '')
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key is known/i.test(said))
    return new UpstreamError(
      `the host key of ${host} is not the one pinned for ${upstream.name}; nothing was sent`,
      { fix: `check it and pin the right one: git gate repo set ${upstream.name} --known-hosts FILE` },
    )
  if (READ_ONLY.test(said))
    return new UpstreamError(
      `${host} lets the identity "${upstream.identity}" read only (${words.slice(-2).join(' / ').slice(0, 300)})`,
      { fix: `give its deploy key write access there: git gate identity show ${upstream.identity}` },
    )
  if (/Permission denied|Too many authentication failures/i.test(said))
    return new UpstreamError(`${host} does not accept the identity "${upstream.identity}"`, {
      fix: `add its public key there as a deploy key with write access: git gate identity show ${upstream.identity}`,
    })
  if (
    /Connection (refused|timed out|reset|closed)|Could not resolve|No route|unreachable|timed out|banner exchange/i.test(
      said,
    ) ||
    words.length === 0
  )
    return new UpstreamError(
      `the upstream ${host} cannot be reached (${words.at(-1) ?? 'the connection ended without a word'})`,
      { advice: 'try again later' },
    )
  if (/not appear to be a git repository|Repository not found|does not exist|could not be found/i.test(said))
    return new UpstreamError(
      `${host} has no such repository for the identity "${upstream.identity}" (${words.at(-1)})`,
      { fix: `check the upstream's address: git gate repo set ${upstream.name} --upstream URL` },
    )
  return new UpstreamError(`the upstream ${host} said: ${words.slice(-3).join(' / ').slice(0, 500)}`)
}

/** The words of GitHub, GitLab, Gitea and Bitbucket for a key without write access. */
const READ_ONLY =
  /marked as read.only|read.only (?:deploy )?key|deploy key does not have write|not allowed to push|not authorized to write|permission to .+ denied to|write access .*not granted|no write permission/i
