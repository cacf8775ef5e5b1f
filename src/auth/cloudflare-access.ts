import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Person } from '../ledger/access/operator-roles.ts'
import type { Operator } from '../ledger/audit-log.ts'

/** The request header in which Cloudflare Access sends its signed JWT. */
export const ASSERTION_HEADER = 'cf-access-jwt-assertion'

/** The JWT of a person has `email`; the JWT of a service token has `common_name`, and an empty `sub`. */
const Claims = z.union([
  z
    .object({ email: z.email(), sub: z.string().default('') })
    .transform(({ email, sub }) => ({ name: email, email, subject: sub })),
  z
    .object({ common_name: z.string().min(1).max(200) })
    .transform(({ common_name }) => ({ name: `service ${common_name}`, email: null, subject: common_name })),
])

const keysOfTeam = new Map<string, JWTVerifyGetKey>()

/**
 * Returns the team's public keys. Access rotates them; jose fetches them again when a JWT names an unknown
 * key.
 */
function keysOf(team: string): JWTVerifyGetKey {
  const cached = keysOfTeam.get(team)
  if (cached) return cached
  const keys = createRemoteJWKSet(new URL(`https://${team}/cdn-cgi/access/certs`))
  keysOfTeam.set(team, keys)
  return keys
}

/**
 * Returns the person or service that the JWT names, or undefined if its signature, issuer, audience or expiry is
 * invalid. Throws when the request for the team's keys fails.
 */
export async function personOfAssertion(
  assertion: string,
  { team, audience }: { team: string; audience: string },
): Promise<(Operator & { person: Person }) | undefined> {
  try {
    const { payload } = await jwtVerify(assertion, keysOf(team), {
      issuer: `https://${team}`,
      audience,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'iat'],
    })
    const claims = Claims.safeParse(payload)
    if (!claims.success) return undefined
    const { name, email, subject } = claims.data
    return { name: `access ${name}`, person: { issuer: `https://${team}`, subject, email, groups: [] } }
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}
