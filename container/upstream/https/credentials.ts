import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import type { HostCredential } from '../../../src/contract/credential.ts'
import { type CredentialName, credentialVariable } from '../../../src/contract/names.ts'
import { deleteSecret, moveSecretsFromEnv, readSecret, writeSecret } from '../secret-files.ts'
import { UpstreamError } from '../upstream-error.ts'
import { type AppPermissions, CONTENTS, createAppTokens } from './github-app.ts'

/** The environment variables with credentials for a gate without a persistent disk: GATE_CREDENTIAL_<NAME>. */
const FROM_ENVIRONMENT = /^GATE_CREDENTIAL_[A-Z0-9_]+$/

/** A user name and token for a host, valid now. Callers keep it in memory only, and no longer than they use it. */
export interface HostToken {
  readonly user: string
  readonly token: string
}

/** The credentials for hosts over HTTPS. Their secrets are in a folder of the companion. */
export interface Credentials {
  /** Stores the secret of a credential, or replaces it. */
  store(name: CredentialName, secret: string): Promise<void>
  /** Deletes a secret that was stored here. Returns false when there was none. */
  forget(name: CredentialName): Promise<boolean>
  /**
   * Returns the present token of a repository's credential. The token of a GitHub App is narrowed to the
   * upstream's repository and to `permissions` (by default those of a push), and stays valid for minutes.
   * Rejects with UpstreamError when there is no such token.
   */
  tokenFor(upstream: Upstream, signal: AbortSignal, permissions?: AppPermissions): Promise<HostToken>
  /** Returns the secret of a credential as it was stored. Rejects with UpstreamError when there is none. */
  secretOf(credential: HostCredential): Promise<string>
  /** Drops a token that the host has refused, so that the next one is new. */
  refused(token: string): void
}

/** Opens the folder, and moves the credentials of the environment into it. */
export async function openCredentials(folder: string, env: NodeJS.ProcessEnv): Promise<Credentials> {
  await moveSecretsFromEnv(folder, FROM_ENVIRONMENT, env)
  const apps = createAppTokens()
  const secretOf = async (credential: HostCredential) => {
    const { name } = credential
    const secret = await readSecret(folder, [name, credentialVariable(name)])
    if (secret === undefined) throw missing(credential)
    return secret
  }
  return {
    store: (name, secret) => writeSecret(folder, name, secret),
    forget: name => deleteSecret(folder, name),
    async tokenFor(upstream, signal, permissions) {
      const { credential } = upstream
      if (credential === null)
        throw new UpstreamError(`${upstream.name} has no credential`, {
          fix: `set it with: git gate repo set ${upstream.name} --credential NAME`,
        })
      const secret = await secretOf(credential)
      const { app, user } = credential
      if (app === null) return { user, token: secret }
      const wanted = permissions ?? { ...CONTENTS, ...(app.workflows ? { workflows: 'write' } : {}) }
      return { user, token: await apps.token(upstream, app, secret, wanted, signal) }
    },
    secretOf,
    refused: apps.invalidate,
  }
}

const missing = ({ name, user }: HostCredential) =>
  new UpstreamError(`the gate has no secret of the credential "${name}"`, {
    fix: `set it with: git gate credential set ${name} --user ${user}`,
  })
