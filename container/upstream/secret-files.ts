import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Moves secrets from the environment into files named after the variables, so that no child process inherits
 * them. A gate without a persistent disk gets its secrets as variables.
 */
export async function moveSecretsFromEnv(
  folder: string,
  variables: RegExp,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [variable, secret] of Object.entries(env)) {
    if (!variables.test(variable)) continue
    delete env[variable]
    if (secret) await writeFile(join(folder, variable), `${secret.trim()}\n`, { mode: 0o600 })
  }
}

/** Writes a secret, or replaces it. A reader sees the old or the new secret, never a part. */
export async function writeSecret(folder: string, name: string, secret: string): Promise<void> {
  const fresh = join(folder, `.${randomUUID()}`)
  try {
    await writeFile(fresh, `${secret.trim()}\n`, { mode: 0o600, flush: true })
    await rename(fresh, join(folder, name))
  } finally {
    await rm(fresh, { force: true })
  }
}

/** Returns the secret in the first of the files that exists, or undefined. */
export async function readSecret(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const text = await readFile(join(folder, name), 'utf8').catch(orMissing)
    if (text !== undefined) return text.trim()
  }
  return undefined
}

/** Deletes a secret that was stored under its name. Returns false when there was none. */
export async function deleteSecret(folder: string, name: string): Promise<boolean> {
  return (await unlink(join(folder, name)).then(() => true, orMissing)) ?? false
}

function orMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}
