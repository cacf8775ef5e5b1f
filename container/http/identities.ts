import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { CredentialSecret } from '../../src/contract/credential.ts'
import { bodyText, json } from '../client/respond.ts'
import type { Companion } from '../companion.ts'
import { addDeployKey, removeDeployKey } from '../forge/deploy-keys.ts'
import { createKey, IdentityError } from '../upstream/ssh/ssh-keys.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'

/** Creates an SSH key, or imports the private key in the body. Responds with the public key. */
export async function createIdentity(
  companion: Companion,
  pass: PassFor<'store-identity'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const key = await bodyText(request, 64_000)
  if (key === undefined) return json(response, 413, { error: 'that is too long for a private key' })
  try {
    json(response, 200, { publicKey: await createKey(companion.identities, pass.identity, key) })
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
    json(response, 409, { error: error.message })
  }
}

/** Adds a deploy key at an upstream's host, or removes it. Responds with 409 and the host's reason. */
export async function changeDeployKey(
  { credentials }: Companion,
  pass: PassFor<'add-deploy-key'> | PassFor<'remove-deploy-key'>,
  response: ServerResponse,
): Promise<void> {
  try {
    if (pass.service === 'add-deploy-key')
      return json(response, 200, { key: await addDeployKey(pass.repository, pass, credentials) })
    await removeDeployKey(pass.repository, pass.key, credentials)
    json(response, 200, { removed: true })
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    json(response, 409, { error: error.message })
  }
}

/** Stores the secret of a credential, which is the body. */
export async function storeCredential(
  { credentials }: Companion,
  { credential }: PassFor<'store-credential'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const secret = CredentialSecret.safeParse(await bodyText(request, 64_000))
  if (!secret.success) return json(response, 400, { error: 'that is no token and no private key' })
  await credentials.store(credential, secret.data)
  json(response, 200, { stored: true })
}
