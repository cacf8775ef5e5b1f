import { randomUUID } from 'node:crypto'
import { chmod, link, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { IdentityName } from '../../../src/contract/names.ts'
import { run } from '../../process/spawn.ts'

/** An identity cannot be created or imported. The message has the reason. */
export class IdentityError extends Error {}

/** The environment variables with private keys for a gate without a persistent disk: GATE_IDENTITY_<NAME>. */
export const KEY_VARIABLES = /^GATE_IDENTITY_[A-Z0-9_]+$/

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
      const keygen = await run(
        'ssh-keygen',
        ['-q', '-t', 'ed25519', '-N', '', '-C', `git-gate ${name}`, '-f', fresh],
        { cwd: folder, env, signal },
      )
      if (keygen.code !== 0) throw new IdentityError('ssh-keygen could not make a key')
    }
    // `-P ''` fails for a key with a passphrase, which the gate could never enter.
    const read = await run('ssh-keygen', ['-y', '-P', '', '-f', fresh], { cwd: folder, env, signal })
    if (read.code !== 0)
      throw new IdentityError('that is not a private key that ssh can read without a passphrase')
    await link(fresh, file).catch(error => {
      throw isCode(error, 'EEXIST')
        ? new IdentityError(
            `a key named "${name}" exists already; git gate identity remove ${name} removes it, if no repository uses it`,
          )
        : error
    })
    return read.stdout.toString('utf8').trim()
  } finally {
    await rm(fresh, { force: true })
    await rm(`${fresh}.pub`, { force: true })
  }
}

const isCode = (error: unknown, code: string) =>
  error instanceof Error && 'code' in error && error.code === code
