import { generateKeyPairSync } from 'node:crypto'
import { type AdminGate, startAdminGate } from './admin-gate.ts'

export const TEAM = 'acme.cloudflareaccess.com'
export const AUDIENCE = 'a'.repeat(64)
/** What Access signs with here. */
export const accessKeys = generateKeyPairSync('rsa', { modulusLength: 2048 })
/** Somebody else's. */
export const foreignKeys = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** A gate that takes the word of Cloudflare Access, whose page of public keys is played. */
export const startGateBehindAccess = (): Promise<AdminGate> =>
  startAdminGate({
    bindings: { GATE_ACCESS_TEAM: TEAM, GATE_ACCESS_AUDIENCE: AUDIENCE },
    externalResponse: url =>
      url === `https://${TEAM}/cdn-cgi/access/certs`
        ? {
            accessKeys: [
              { ...accessKeys.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' },
            ],
          }
        : undefined,
  })
