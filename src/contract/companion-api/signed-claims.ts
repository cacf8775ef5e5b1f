// The companion starts faster with these modules than with all of jose.
import { JOSEAlgNotAllowed, JWSSignatureVerificationFailed } from 'jose/errors'
import { CompactSign } from 'jose/jws/compact/sign'
import { compactVerify } from 'jose/jws/compact/verify'
import { z } from 'zod'

const encoder = new TextEncoder()
const ALGORITHM = 'HS256'

type ImportedKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

const importedKeys = new Map<string, ImportedKey>()

/** Imports a key once: a process has one pass key, and jose would import it for each pass. */
async function importedKey(key: string): Promise<ImportedKey> {
  const cached = importedKeys.get(key)
  if (cached) return cached
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const imported = await crypto.subtle.importKey('raw', encoder.encode(key), algorithm, false, [
    'sign',
    'verify',
  ])
  importedKeys.set(key, imported)
  return imported
}

/** Signs claims as a compact JWS with HMAC-SHA-256 (RFC 7515). */
export const signClaims = async (claims: unknown, key: string): Promise<string> =>
  new CompactSign(encoder.encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: ALGORITHM })
    .sign(await importedKey(key))

export type Claims<T> = { ok: true; claims: T } | { ok: false; reason: string }

/**
 * Verifies and parses claims. Returns why they are invalid: forged, altered, expired, or of another protocol
 * version. `exp` and `nowSeconds` are Unix time in seconds.
 */
export async function readClaims<T extends { exp: number }>(
  text: string,
  key: string,
  nowSeconds: number,
  schema: z.ZodType<T>,
  protocol: number,
): Promise<Claims<T>> {
  if (text === '') return { ok: false, reason: 'no pass' }
  try {
    const { payload } = await compactVerify(text, await importedKey(key), { algorithms: [ALGORITHM] })
    const read: unknown = JSON.parse(new TextDecoder().decode(payload))
    const version = z.object({ v: z.unknown() }).safeParse(read)
    if (version.success && version.data.v !== protocol)
      return {
        ok: false,
        reason: `the pass is of protocol ${version.data.v}, the other side speaks ${protocol}`,
      }
    const claims = schema.parse(read)
    if (claims.exp < nowSeconds) return { ok: false, reason: 'the pass has expired' }
    return { ok: true, claims }
  } catch (error) {
    if (error instanceof JWSSignatureVerificationFailed || error instanceof JOSEAlgNotAllowed)
      return { ok: false, reason: 'the pass is not signed by this gate' }
    return { ok: false, reason: 'the pass cannot be read' }
  }
}
