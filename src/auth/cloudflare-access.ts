import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Operator } from '../ledger/audit-log.ts'

/** The request header in which Cloudflare Access sends its signed JWT. */
export const ASSERTION_HEADER = 'cf-access-jwt-assertion'

/** The JWT of a person has `email`; the JWT of a service token has `common_name`. */
const Claims = z.union([
  z.object({ email: z.email() }).transform(({ email }) => email),
  z
    .object({ common_name: z.string().min(1).max(200) })
    .transform(({ common_name }) => `service ${common_name}`),
])

const keysOfTeam = new Map<string, JWTVerifyGetKey>()

/**
 * Returns the team's public keys. Access rotates them; jose fetches them again when a JWT names an unknown
 * key.
 */
function keysOf(team: string): JWTVerifyGetKey {
  const known = keysOfTeam.get(team)
  if (known) return known
  const keys = createRemoteJWKSet(new URL(`https://${team}/cdn-cgi/access/certs`))
  keysOfTeam.set(team, keys)
  return keys
}

/**
 * Returns the operator that the JWT names, or undefined if its signature, issuer, audience or expiry is
 * invalid. Throws when the request for the team's keys fails.
 */
export async function operatorOfAssertion(
  assertion: string,
  { team, audience }: { team: string; audience: string },
): Promise<Operator | undefined> {
  try {
    const { payload } = await jwtVerify(assertion, keysOf(team), {
      issuer: `https://${team}`,
      audience,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'iat'],
    })
    const who = Claims.safeParse(payload)
    return who.success ? { name: `access ${who.data}` } : undefined
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}
