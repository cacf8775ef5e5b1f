import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'
import { authorizationUrl, personOfCode, providerIn } from '../../auth/openid-connect.ts'
import { logError } from '../../common/log.ts'
import { settingsOf } from '../../common/settings.ts'
import { readClaims, signClaims } from '../../contract/companion-api/signed-claims.ts'
import { withKnownGroups } from '../../ledger/access/operator-roles.ts'
import { useSignIn } from '../../ledger/access/sign-ins.ts'
import { hashToken } from '../../ledger/access/token-format.ts'
import { pathOf } from '../paths.ts'
import type { ConsoleEnv } from './env.ts'
import { beginSession, isHttps, keyOf, nowSeconds, Proof } from './session.ts'

/** The time in which an operator signs in at the issuer, in seconds. */
const SIGN_IN_SECONDS = 10 * 60
const VERSION = 1

/** A sign-in that has begun, in a cookie of the browser that began it. */
const StartedSignIn = z.object({
  v: z.literal(VERSION),
  exp: z.number(),
  state: z.string(),
  /** SHA-256 of the proof, which the session will be bound to. */
  proof: z.string(),
  /** The console's origin as the browser has it: a proxy may terminate TLS. */
  origin: z.string(),
  to: z.string(),
})

const COOKIE = 'git-gate-sign-in'
const HOST_COOKIE = `__Host-${COOKIE}`

/**
 * Returns a value that only this gate can derive from a state, so that the browser never holds it. The nonce and the
 * code verifier are such values.
 */
const derive = async (env: Env, purpose: 'nonce' | 'verifier', state: string) =>
  hashToken(`${purpose} ${await signClaims({ state }, keyOf(env))}`)

const signInParameters = async (env: Env, state: string) => ({
  state,
  nonce: await derive(env, 'nonce', state),
  verifier: await derive(env, 'verifier', state),
})

type Begin = { ok: true; url: string } | { ok: false; reason: 'no-provider' | 'no-proof' | 'unreachable' }

/** Begins a sign-in at the issuer: sets its cookie, and returns the issuer's page. */
export async function beginOidc(c: Context<ConsoleEnv>, proof: unknown, to: string): Promise<Begin> {
  const provider = providerIn(settingsOf(c.env))
  if (!provider) return { ok: false, reason: 'no-provider' }
  const parsedProof = Proof.safeParse(proof)
  if (!parsedProof.success) return { ok: false, reason: 'no-proof' }
  const state = crypto.getRandomValues(new Uint8Array(32)).toHex()
  // requireSameOrigin has found this origin to be the console's own.
  const { origin } = new URL(c.req.header('origin') ?? c.req.url)
  const url = await authorizationUrl(
    provider,
    callbackUrl(origin).href,
    await signInParameters(c.env, state),
  ).catch((error: unknown) => logError({ at: 'discovering the issuer' }, error))
  if (url === undefined) return { ok: false, reason: 'unreachable' }
  const claims = { v: VERSION, exp: nowSeconds() + SIGN_IN_SECONDS, state, origin, to }
  const cookie = await signClaims({ ...claims, proof: await hashToken(parsedProof.data) }, keyOf(c.env))
  // The browser comes back from another site, and sends no strict cookie then.
  setCookie(c, isHttps(c) ? HOST_COOKIE : COOKIE, cookie, {
    path: '/',
    httpOnly: true,
    secure: isHttps(c),
    sameSite: 'Lax',
    maxAge: SIGN_IN_SECONDS,
  })
  return { ok: true, url }
}

const callbackUrl = (origin: string) => new URL(pathOf.oidcCallback, origin)

type Finish = { ok: true; to: string } | { ok: false; reason: string }

/** Ends a sign-in with the issuer's answer in the request's URL, and starts the session. */
export async function finishOidc(c: Context<ConsoleEnv>): Promise<Finish> {
  const provider = providerIn(settingsOf(c.env))
  if (!provider) return { ok: false, reason: 'GATE_OIDC_ISSUER is not set' }
  const cookie = getCookie(c, HOST_COOKIE) ?? getCookie(c, COOKIE) ?? ''
  const read = await readClaims(cookie, keyOf(c.env), nowSeconds(), StartedSignIn, VERSION)
  if (!read.ok) return { ok: false, reason: 'this browser has no sign-in in progress, or it has timed out' }
  const { state, origin, proof, to, exp } = read.claims
  const secure = origin.startsWith('https:')
  deleteCookie(c, secure ? HOST_COOKIE : COOKIE, { path: '/', secure })
  const url = callbackUrl(origin)
  url.search = new URL(c.req.url).search
  const found = await personOfCode(provider, url, await signInParameters(c.env, state))
  if (!found.ok) {
    logError({ at: 'a sign-in' }, new Error(found.reason))
    return { ok: false, reason: found.reason }
  }
  if (!(await useSignIn(c.env.LEDGER, state, exp * 1000)))
    return { ok: false, reason: 'this sign-in was used before' }
  const person = await withKnownGroups(c.env.LEDGER, found.person)
  await beginSession(c, { person }, proof, secure)
  return { ok: true, to }
}
