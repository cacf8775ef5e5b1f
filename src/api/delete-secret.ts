import { z } from 'zod'
import { companionKind, settingsOf } from '../common/settings.ts'
import { askCompanion } from '../companion/index.ts'
import type { CredentialName, IdentityName } from '../contract/names.ts'
import { newId } from '../ledger/id.ts'
import { parseCompanionResponse } from './companion-response.ts'
import { Problem } from './problem.ts'

/** A secret that the companion stores: an identity's private key, or a credential's token or key. */
type StoredSecret =
  | { readonly service: 'delete-identity'; readonly identity: IdentityName }
  | { readonly service: 'delete-credential'; readonly credential: CredentialName }

const Deleted = z.object({ removed: z.boolean() })

/**
 * Deletes the companion's copy of a secret. Returns false if it had none. At Cloudflare's edge the secret is the
 * Worker's, and stays. Throws a Problem if the companion does not answer.
 */
export async function deleteSecret(env: Env, secret: StoredSecret): Promise<boolean> {
  if (companionKind(settingsOf(env)) !== 'local') return false
  const response = askCompanion(env, '-', { ...secret, id: newId() })
  try {
    return (await parseCompanionResponse(response, Deleted)).removed
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const [kind, name, part] =
      secret.service === 'delete-identity'
        ? ['identity', secret.identity, 'key']
        : ['credential', secret.credential, 'secret']
    throw new Problem(
      502,
      error.code,
      `${kind} ${name} was removed, but its ${part} was not deleted: ${error.message}`,
      `When the companion is available again: git gate ${kind} remove ${name}`,
    )
  }
}
