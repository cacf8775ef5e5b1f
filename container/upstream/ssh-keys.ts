import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { IdentityName } from '../../src/contract/names.ts'
import { run } from '../process/spawn.ts'

/** An identity that cannot be made or taken, with the reason. */
export class IdentityError extends Error {}

/** The environment variables that hold private keys where there is no disk that stays: GATE_IDENTITY_<NAME>. */
const FROM_ENVIRONMENT = /^GATE_IDENTITY_[A-Z0-9_]+$/

/** Moves keys from the environment into files of the variables' names, so that no process inherits them. */
export async function moveKeysFromEnv(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [variable, key] of Object.entries(env)) {
    if (!FROM_ENVIRONMENT.test(variable)) continue
    delete env[variable]
    if (key) await writeFile(join(folder, variable), `${key.trim()}\n`, { mode: 0o600 })
  }
}

/**
 * Makes a new Ed25519 identity, or takes the given private key; answers with the public half, the only one that
 * ever leaves. An identity of that name is not replaced: rejects with IdentityError.
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
    // The empty passphrase: a key that wants one cannot be used by a gate that never asks.
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

/** Takes the key of an identity that was made or taken in here off the disk; answers whether it was there. */
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
