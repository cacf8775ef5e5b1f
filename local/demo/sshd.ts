import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { killTree } from '../process/processes.ts'

export interface SshServer extends AsyncDisposable {
  readonly port: number
  /** The known_hosts line that pins its host key. */
  readonly knownHosts: string
  /** Allows this key to run git's services, and nothing else. */
  authorize(publicKey: string): void
  /**
   * Returns the SSH URL of a repository in or below the parent of the server's folder.
   */
  urlOf(repository: string): string
}

export interface SshServerOptions {
  /** The folder of host key, authorized keys, configuration and log. */
  readonly dir: string
  /** The preferred port. Another port is used when it is taken, or when it is 0. */
  readonly port: number
}

const run = promisify(execFile)

/**
 * Starts an OpenSSH server for git alone on loopback, independent of the system's configuration. This process
 * listens and starts `sshd -i` for each connection, so that no server outlives it.
 */
export async function startSshServer({ dir, port }: SshServerOptions): Promise<SshServer> {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
  const hostKey = path.join(dir, 'host_key')
  if (!fs.existsSync(hostKey))
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'host', '-f', hostKey])
  const authorizedKeys = path.join(dir, 'authorized_keys')
  fs.writeFileSync(authorizedKeys, '', { flag: 'a', mode: 0o600 })
  const config = path.join(dir, 'sshd_config')
  fs.writeFileSync(config, configuration(path.dirname(dir), hostKey, authorizedKeys))
  // As root, Debian's sshd requires /run/sshd. Only the start of the ssh service creates it.
  if (process.getuid?.() === 0) fs.mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })

  const program = sshdProgram()
  const sessions = new Set<ChildProcess>()
  const server = net.createServer({ pauseOnConnect: true }, socket => {
    const session = spawn(program, ['-i', '-f', config, '-E', path.join(dir, 'sshd.log')], {
      stdio: [socket, socket, 'ignore'],
      detached: true,
    })
    sessions.add(session)
    session.once('error', () => sessions.delete(session))
    session.once('exit', () => sessions.delete(session))
    socket.destroy()
  })
  const actualPort = await listen(server, port)
  const [type, key] = fs.readFileSync(`${hostKey}.pub`, 'utf8').split(' ')
  return {
    port: actualPort,
    knownHosts: `[127.0.0.1]:${actualPort} ${type} ${key}\n`,
    authorize(publicKey) {
      const [keyType, keyData] = publicKey.trim().split(/\s+/)
      const line = `restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"" ${keyType} ${keyData}\n`
      if (!fs.readFileSync(authorizedKeys, 'utf8').includes(line)) fs.appendFileSync(authorizedKeys, line)
    },
    urlOf: repository =>
      `ssh://${os.userInfo().username}@127.0.0.1:${actualPort}/~/${encodeURI(path.relative(path.dirname(dir), repository))}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const session of sessions) if (session.pid !== undefined) killTree(session.pid)
      await closed
    },
  }
}

const configuration = (home: string, hostKey: string, authorizedKeys: string) => `
HostKey "${hostKey}"
AuthorizedKeysFile "${authorizedKeys}"
# The folder may lie under /tmp, which anybody may write to.
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
# sshd itself refuses an account whose password is locked; PAM does not.
UsePAM ${rootIsLocked() ? 'yes' : 'no'}
UseDNS no
PrintMotd no
PrintLastLog no
AcceptEnv GIT_PROTOCOL
# A nested shell, or bash would read ~/.bashrc first (bash(1), INVOCATION): what that prints, git takes for protocol.
SetEnv SHLVL=1 "HOME=${home}"
LogLevel ERROR
`

function rootIsLocked(): boolean {
  if (process.getuid?.() !== 0 || !fs.existsSync('/etc/shadow')) return false
  return /^root:!/m.test(fs.readFileSync('/etc/shadow', 'utf8'))
}

/** Returns sshd's absolute path, which sshd requires. /usr/sbin may be missing from PATH. */
function sshdProgram(): string {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/sbin']
  const found = folders.map(folder => path.resolve(folder, 'sshd')).find(file => fs.existsSync(file))
  if (!found) throw new Error('there is no sshd; install openssh-server')
  return found
}

async function listen(server: net.Server, wanted: number): Promise<number> {
  for (const port of wanted ? [wanted, 0] : [0]) {
    server.listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
      break
    } catch (error) {
      if (port === 0) throw error
    }
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the ssh server has no port')
  return address.port
}
