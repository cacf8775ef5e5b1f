import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import { type IdentityName, identityVariable } from '../../../src/contract/names.ts'
import { run, spawnGroup } from '../../process/spawn.ts'
import type { Link, LinkLease, SharedLink } from '../link.ts'
import { toUpstreamError } from '../to-upstream-error.ts'
import { UpstreamError } from '../upstream-error.ts'
import { type AllWaiting, createPreparedSessions } from './prepared-sessions.ts'
import { type ConnectionLease, type Connections, createSshPool, SshFailed } from './ssh-connections.ts'
import { parseSshUrl } from './ssh-url.ts'

/**
 * The folders of the links' files. `folder` has ssh's configurations. `sockets` is a short path, since the
 * path of a Unix socket is limited to 108 bytes.
 */
export interface SshFolders {
  readonly identities: string
  readonly folder: string
  readonly sockets: string
}

/** The folders, and the prepared sessions of all links. */
export interface SshDependencies extends SshFolders {
  readonly waiting: AllWaiting
}

/**
 * Returns the possible paths of an identity's private key: created or imported under its name, or taken from
 * the environment.
 */
const identityFiles = (folder: string, name: IdentityName) => [
  join(folder, name),
  join(folder, identityVariable(name)),
]

/** Opens the links over SSH, whose connections git's processes share. */
export async function openSshLink(
  folders: SshDependencies,
  key: string,
  upstream: Upstream,
): Promise<SharedLink> {
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
  const connections = createSshPool({ config, control, host: parseSshUrl(upstream.url).host })
  const prepared = createPreparedSessions(folders.waiting)
  return {
    for: upstream => sshLink(upstream, config, connections, prepared),
    close() {
      prepared.close()
      connections.close()
    },
  }
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

const shellQuote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

/** Returns the command line for the host's shell. */
const commandFor = (service: string, url: string, ...args: readonly string[]) =>
  [service, shellQuote(parseSshUrl(url).path), ...args].join(' ')

function sshLink(
  upstream: Upstream,
  config: string,
  connections: Connections,
  prepared: ReturnType<typeof createPreparedSessions>,
): Link {
  // git gives the command to a shell, which ssh replaces.
  const ssh = `exec ssh -F ${shellQuote(config)} -S `
  const { host } = parseSshUrl(upstream.url)
  const rethrow = (error: unknown): never => {
    if (!(error instanceof SshFailed)) throw error
    const { stderr } = error
    throw stderr === undefined
      ? new UpstreamError('the gate cannot start ssh')
      : toUpstreamError(upstream, stderr)
  }
  const leaseOf = ({ control, release }: ConnectionLease): LinkLease => {
    const start = (command: string, signal: AbortSignal, env: Record<string, string>) => {
      const to = ['-F', config, '-S', control, '-o', 'SendEnv=GIT_PROTOCOL', host]
      return spawnGroup('ssh', [...to, command], {
        signal,
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { PATH: process.env.PATH, ...env },
      })
    }
    return {
      authenticateLfs({ url }, operation, signal) {
        const command = commandFor('git-lfs-authenticate', url, operation)
        const env = { PATH: process.env.PATH ?? '' }
        return run('ssh', ['-F', config, '-S', control, host, command], {
          cwd: '/',
          env,
          signal,
          maxOutput: 64_000,
          relaysExitCode: true,
        })
      },
      startLfsTransfer: ({ url }, operation) =>
        start(commandFor('git-lfs-transfer', url, operation), new AbortController().signal, {}),
      git: { env: { GIT_SSH_COMMAND: ssh + shellQuote(control), GIT_SSH_VARIANT: 'ssh' } },
      startUploadPack: ({ url }, signal) => ({
        child: start(commandFor('git-upload-pack', url), signal, { GIT_PROTOCOL: 'version=2' }),
        isHelper: false,
      }),
      startReceivePack: ({ url }, signal) => start(commandFor('git-receive-pack', url), signal, {}),
      release,
    }
  }
  const acquireSpare = async (signal: AbortSignal) => {
    const lease = await connections.acquireSpare(signal).catch(rethrow)
    return lease && leaseOf(lease)
  }
  return {
    connect: signal => connections.connect(signal).catch(rethrow),
    acquire: async signal => leaseOf(await connections.acquire(signal).catch(rethrow)),
    acquireSpare,
    prepared: prepared.over(acquireSpare),
  }
}
