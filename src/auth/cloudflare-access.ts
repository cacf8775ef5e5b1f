import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Operator } from '../ledger/audit-log.ts'

/** Where Cloudflare Access puts its word on who asks. */
export const ASSERTION_HEADER = 'cf-access-jwt-assertion'

/** A person has an e-mail address, a service token a common name. */
const Claims = z.union([
  z.object({ email: z.email() }).transform(({ email }) => email),
  z
    .object({ common_name: z.string().min(1).max(200) })
    .transform(({ common_name }) => `service ${common_name}`),
])

const keysOfTeam = new Map<string, JWTVerifyGetKey>()

/** Access' public keys; they change every few weeks, and are fetched anew when a token names one that is not known. */
function keysOf(team: string): JWTVerifyGetKey {
  const known = keysOfTeam.get(team)
  if (known) return known
  const keys = createRemoteJWKSet(new URL(`https://${team}/cdn-cgi/access/certs`))
  keysOfTeam.set(team, keys)
  return keys
}

/** The operator whom Access vouches for: signature, issuer, audience and expiry hold; else undefined. */
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
