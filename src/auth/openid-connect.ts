import * as oidc from 'openid-client'
import { z } from 'zod'
import type { Settings } from '../common/settings.ts'
import type { Person } from '../ledger/access/operator-roles.ts'

/** The client that the gate is at an issuer. */
interface Provider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly scopes: string
  readonly groupsClaim: string
}

/** Returns the provider that the settings name; undefined without GATE_OIDC_ISSUER. */
export function providerIn(settings: Settings): Provider | undefined {
  const { GATE_OIDC_ISSUER: issuer, GATE_OIDC_CLIENT_ID: clientId } = settings
  if (issuer === undefined || clientId === undefined) return undefined
  return {
    issuer,
    clientId,
    clientSecret: settings.GATE_OIDC_CLIENT_SECRET,
    scopes: settings.GATE_OIDC_SCOPES,
    groupsClaim: settings.GATE_OIDC_GROUPS_CLAIM,
  }
}

/** The state, nonce and PKCE verifier of one sign-in. The gate checks them when the browser returns. */
interface SignInParameters {
  readonly state: string
  readonly nonce: string
  /** The code verifier of PKCE (RFC 7636). */
  readonly verifier: string
}

/** Returns the issuer's page at which a sign-in begins. Throws when the issuer cannot be reached. */
export async function authorizationUrl(
  provider: Provider,
  redirectUri: string,
  { state, nonce, verifier }: SignInParameters,
): Promise<string> {
  const configuration = await configurationOf(provider)
  return oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope: provider.scopes,
    state,
    nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).href
}

const Claims = z.object({
  email: z.string().optional(),
  email_verified: z.boolean().optional(),
})
const Groups = z.array(z.string().max(255)).max(1000).catch([])

/**
 * Returns the person whom the issuer names for the code in `url`, or why there is none. The library compares state,
 * issuer, audience, nonce and expiry, and verifies the ID token's signature.
 */
export async function personOfCode(
  provider: Provider,
  url: URL,
  { state, nonce, verifier }: SignInParameters,
): Promise<{ ok: true; person: Person } | { ok: false; reason: string }> {
  try {
    const configuration = await configurationOf(provider)
    const tokens = await oidc.authorizationCodeGrant(configuration, url, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    })
    const idToken = tokens.claims()
    if (!idToken) return { ok: false, reason: 'the issuer sent no ID token' }
    const isWhole = idToken.email !== undefined && idToken[provider.groupsClaim] !== undefined
    const further =
      !isWhole && configuration.serverMetadata().userinfo_endpoint !== undefined
        ? await oidc.fetchUserInfo(configuration, tokens.access_token, idToken.sub)
        : {}
    const all: Record<string, unknown> = { ...further, ...idToken }
    const { email, email_verified } = Claims.parse(all)
    const person: Person = {
      issuer: idToken.iss,
      subject: idToken.sub,
      email: email !== undefined && email_verified === true ? email.toLowerCase() : null,
      groups: Groups.parse(all[provider.groupsClaim]),
    }
    return { ok: true, person }
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

const HOUR_MS = 3_600_000
const TIMEOUT_SECONDS = 10

/** The configurations of issuers that were discovered, by client. A Worker cannot share a pending request. */
const discovered = new Map<string, { at: number; configuration: oidc.Configuration }>()

/** Discovers the issuer's endpoints (OpenID Connect Discovery 1.0), at most once an hour. */
async function configurationOf({ issuer, clientId, clientSecret }: Provider): Promise<oidc.Configuration> {
  const key = JSON.stringify([issuer, clientId, clientSecret])
  const cached = discovered.get(key)
  if (cached && cached.at > Date.now() - HOUR_MS) return cached.configuration
  const options = {
    // Settings allow http for this machine's own addresses only.
    execute: issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [],
    timeout: TIMEOUT_SECONDS,
  }
  const server = (
    await oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), options)
  ).serverMetadata()
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const authentication =
    clientSecret === undefined
      ? oidc.None()
      : methods.includes('client_secret_basic')
        ? oidc.ClientSecretBasic(clientSecret)
        : oidc.ClientSecretPost(clientSecret)
  const configuration = new oidc.Configuration(server, clientId, undefined, authentication)
  configuration.timeout = TIMEOUT_SECONDS
  for (const change of options.execute) change(configuration)
  oidc.enableNonRepudiationChecks(configuration)
  discovered.set(key, { at: Date.now(), configuration })
  return configuration
}
