import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { SshServer } from '../local/demo/sshd.ts'

/** Configures a developer's ssh: its own key, a pinned host key, and no shared connection. */
export async function sshClient(
  folder: string,
  sshd: SshServer,
): Promise<{ env: Readonly<Record<string, string>> }> {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const key = path.join(folder, 'key')
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'bench', '-f', key])
  sshd.authorize(fs.readFileSync(`${key}.pub`, 'utf8'))
  const options = {
    IdentityFile: key,
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    BatchMode: 'yes',
    UserKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'no',
    LogLevel: 'ERROR',
  }
  const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  return { env: { GIT_SSH_COMMAND: ['ssh', '-F', '/dev/null', ...words].join(' '), GIT_SSH_VARIANT: 'ssh' } }
}
