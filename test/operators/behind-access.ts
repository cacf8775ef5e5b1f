import { generateKeyPairSync } from 'node:crypto'
import { type AdminGate, startAdminGate } from '../api/fixtures/admin-gate.ts'

export const TEAM = 'acme.cloudflareaccess.com'
export const AUDIENCE = 'a'.repeat(64)
/** The keys with which Access signs in these tests. */
export const accessKeys = generateKeyPairSync('rsa', { modulusLength: 2048 })
/** Keys that Access does not publish. */
export const foreignKeys = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** Names that are admins of the gate. */
const ADMINS = ['email:ada@example.com', 'email:grace@example.com', `subject:https://${TEAM}#ci.access`]

/** Starts a gate behind Cloudflare Access, with a fake endpoint for the public keys of Access. */
export async function startGateBehindAccess(): Promise<AdminGate> {
  const gate = await startAdminGate({
    bindings: { GATE_ACCESS_TEAM: TEAM, GATE_ACCESS_AUDIENCE: AUDIENCE },
    externalResponse: url =>
      url === `https://${TEAM}/cdn-cgi/access/certs`
        ? {
            keys: [
              { ...accessKeys.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' },
            ],
          }
        : undefined,
  })
  for (const principal of ADMINS) await gate.json('PUT', '/operators', { principal, role: 'admin' })
  return gate
}
