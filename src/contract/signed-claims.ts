import { z } from 'zod'

const encoder = new TextEncoder()
const base64url = (bytes: Uint8Array) =>
  btoa(Array.from(bytes, b => String.fromCharCode(b)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
const fromBase64url = (text: string) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0))

const hmacKey = (key: string) =>
  crypto.subtle.importKey('raw', encoder.encode(key), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ])

/** Signs claims with HMAC-SHA-256: `<base64url JSON>.<base64url MAC>`. */
export async function signClaims(claims: unknown, key: string): Promise<string> {
  const body = base64url(encoder.encode(JSON.stringify(claims)))
  const mac = await crypto.subtle.sign('HMAC', await hmacKey(key), encoder.encode(body))
  return `${body}.${base64url(new Uint8Array(mac))}`
}

export type Claims<T> = { ok: true; claims: T } | { ok: false; why: string }

/** The claims in `text`, or why they do not hold: forged, altered, expired, or of another protocol version. */
export async function readClaims<T extends { exp: number }>(
  text: string,
  key: string,
  nowSeconds: number,
  schema: z.ZodType<T>,
  protocol: number,
): Promise<Claims<T>> {
  try {
    const [body, mac, ...more] = text.split('.')
    if (!body || !mac || more.length) return { ok: false, why: 'no pass' }
    if (!(await crypto.subtle.verify('HMAC', await hmacKey(key), fromBase64url(mac), encoder.encode(body))))
      return { ok: false, why: 'the pass is not signed by this gate' }
    const read: unknown = JSON.parse(new TextDecoder().decode(fromBase64url(body)))
    const version = z.object({ v: z.unknown() }).safeParse(read)
    if (version.success && version.data.v !== protocol)
      return {
        ok: false,
        why: `the pass is of protocol ${version.data.v}, the other side speaks ${protocol}`,
      }
    const claims = schema.parse(read)
    if (claims.exp < nowSeconds) return { ok: false, why: 'the pass has expired' }
    return { ok: true, claims }
  } catch {
    return { ok: false, why: 'the pass cannot be read' }
  }
}
