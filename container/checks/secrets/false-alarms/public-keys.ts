import { z } from 'zod'

/** Keys that their services make for web pages and apps, by their prefix. */
export const PUBLIC_PREFIX =
  /^(?:pk_(?:live|test)_[A-Za-z0-9]{10,}$|pk\.eyJ|sb_publishable_|phc_|pk-lf-|pk-helicone-|pub_|pubkey-|publishable-|public-(?:live|test)-|rzp_(?:live|test)_[A-Za-z0-9]{14}$|NRJS-|ssh-(?:rsa|ed25519|dss)|ecdsa-sha2|ca-pub-|UA-\d|G-[A-Z0-9]{8,12}$|GTM-|age1[0-9a-z]{50,}|[a-z]{2,8}pub1)/

/** Variables whose values a build tool writes into web pages. */
const WEB_VARIABLE =
  /(?:^|[^A-Za-z])(?:NEXT_PUBLIC|VITE|REACT_APP|EXPO_PUBLIC|NUXT_PUBLIC|GATSBY|PUBLIC|VUE_APP)_/

/** The neighbours and names of a Google key in the configuration of a web page or an app. */
const BROWSER_KEY =
  /authDomain|messagingSenderId|current_key["']?\s*:|<key>API_KEY<\/key>|maps\.googleapis\.com\/maps\/api|(?:firebase|maps?)[\w.-]{0,30}["']?\s{0,3}[:=]/i

/** Returns whether a Google key stands where Firebase and Google Maps have their public keys. */
export const isBrowserKey = (context: string): boolean =>
  BROWSER_KEY.test(context) ||
  (WEB_VARIABLE.test(context) && !/gemini|genai|generative|vertex|palm/i.test(context))

/** Returns whether an Algolia key is the one for searches: by its name, or by DocSearch's `indexName` after it. */
export const isSearchKey = (context: string): boolean =>
  /search[\w.-]{0,20}key|indexName|index_name/i.test(context) && !/admin|write/i.test(context)

/** A site key of reCAPTCHA, hCaptcha or Turnstile. The secret key has the same form, and another name. */
export const isSiteKey = (name: string, value: string): boolean =>
  /site[_.-]?key|sitekey|public/i.test(name) &&
  !/secret|private/i.test(name) &&
  /^(?:6L[\w-]{38}|[01]x[\w-]{20,22}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(value)

const Claims = z.looseObject({
  role: z.string().optional(),
  iss: z.string().optional(),
  sub: z.unknown().optional(),
  name: z.unknown().optional(),
  message: z.unknown().optional(),
  exp: z.unknown().optional(),
})

/** Issuers at the domains that are kept for examples (RFC 2606). */
const EXAMPLE_ISSUER =
  /^(?:https?:\/\/)?(?:[\w-]+\.)*(?:example\.(?:com|net|org)|[\w-]+\.(?:example|test|invalid))(?:[:/]|$)/i

function claimsOf(token: string): z.infer<typeof Claims> | undefined {
  const [, payload = ''] = token.split('.')
  try {
    return Claims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')))
  } catch {
    return undefined
  }
}

/**
 * Returns whether a JSON web token is made to be public: Supabase's for anonymous access, or an example by its issuer or
 * its text. The claims are signed, so another token cannot say the same and stay valid.
 */
export function isPublicJwt(token: string): boolean {
  const claims = claimsOf(token)
  if (!claims) return false
  const { iss = '', role, sub, name, message } = claims
  return (
    (iss === 'supabase' && role === 'anon') ||
    iss === 'supabase-demo' ||
    EXAMPLE_ISSUER.test(iss) ||
    message === 'hello world' ||
    (sub === '1234567890' && name === 'John Doe')
  )
}

/** The least `exp` that is a time (RFC 7519, section 4.1.4) and no mistake, in seconds: the year 2001. */
const FIRST_TIME = 1_000_000_000
/** No clock is a day slow. */
const DAY_MS = 86_400_000

/** Returns whether a JSON web token has expired for every clock, so that no service takes it. */
export function isExpiredJwt(token: string): boolean {
  const { exp } = claimsOf(token) ?? {}
  return typeof exp === 'number' && exp > FIRST_TIME && exp * 1000 < Date.now() - DAY_MS
}
