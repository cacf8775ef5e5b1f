import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { IdentityName } from '../../src/contract/names.ts'
import { run } from '../process/spawn.ts'

/** An identity cannot be created or imported. The message has the reason. */
export class IdentityError extends Error {}

/** The environment variables with private keys for a gate without a persistent disk: GATE_IDENTITY_<NAME>. */
const FROM_ENVIRONMENT = /^GATE_IDENTITY_[A-Z0-9_]+$/

/**
 * Moves private keys from the environment into files named after the variables, so that no child process
 * inherits them.
 */
export async function moveKeysFromEnv(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [variable, key] of Object.entries(env)) {
    if (!FROM_ENVIRONMENT.test(variable)) continue
    delete env[variable]
    if (key) await writeFile(join(folder, variable), `${key.trim()}\n`, { mode: 0o600 })
  }
}

/**
 * Creates an Ed25519 identity, or imports the given private key. Returns the public key; the private key
 * never leaves the companion. Rejects with IdentityError when an identity of this name exists, or when the
 * key cannot be used.
 */
export async function createKey(folder: string, name: IdentityName, privateKey: string): Promise<string> {
  const file = join(folder, name)
  const signal = AbortSignal.timeout(10_000)
  const env = { PATH: process.env.PATH ?? '' }
  const fresh = join(folder, `.${randomUUID()}`)
  try {
    if (privateKey) {
      await writeFile(fresh, `${privateKey.trim()}\n`, { mode: 0o600 })
      await chmod(fresh, 0o600)
    } else {
      const made = await run(
        'ssh-keygen',
        ['-q', '-t', 'ed25519', '-N', '', '-C', `git-gate ${name}`, '-f', fresh],
        { cwd: folder, env, signal },
      )
      if (made.code !== 0) throw new IdentityError('ssh-keygen could not make a key')
    }
    // `-P ''` fails for a key with a passphrase, which the gate could never enter.
    const read = await run('ssh-keygen', ['-y', '-P', '', '-f', fresh], { cwd: folder, env, signal })
    if (read.code !== 0)
      throw new IdentityError('that is not a private key that ssh can read without a passphrase')
    await link(fresh, file).catch(error => {
      throw isCode(error, 'EEXIST')
        ? new IdentityError(
            `a key named "${name}" is there already; git gate identity remove ${name} takes it away, if no repository uses it`,
          )
        : error
    })
    return read.stdout.toString('utf8').trim()
  } finally {
    await rm(fresh, { force: true })
    await rm(`${fresh}.pub`, { force: true })
  }
}

/**
 * Deletes the private key of an identity that was created or imported here. Returns false when there was
 * none.
 */
export async function deleteKey(folder: string, name: IdentityName): Promise<boolean> {
  try {
    await unlink(join(folder, name))
    return true
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false
    throw error
  }
}

const isCode = (error: unknown, code: string) =>
  error instanceof Error && 'code' in error && error.code === code
