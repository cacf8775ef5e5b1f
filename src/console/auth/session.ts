import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'
import { FIRST_OPERATOR, operatorOf } from '../../api/authenticate.ts'
import { settingsOf } from '../../common/settings.ts'
import { readClaims, signClaims } from '../../contract/companion-api/signed-claims.ts'
import { findAdminToken, operatorOfAdminToken } from '../../ledger/access/admin-tokens.ts'
import { nameOf, Person, personKey, rolesOf } from '../../ledger/access/operator-roles.ts'
import { hashToken, isToken, parseToken } from '../../ledger/access/token-format.ts'
import type { AuthenticatedOperator } from '../../ledger/audit-log.ts'
import { isActive } from '../components/is-active.ts'
import { ROOT } from '../paths.ts'
import type { ConsoleEnv } from './env.ts'

/** The lifetime of a session, in seconds. */
const SESSION_SECONDS = 8 * 60 * 60
/** The version of the cookie's claims. */
const VERSION = 3

/**
 * The request header with the proof, the second half of a session. The first half is the cookie, which
 * browsers send to every port of its host (RFC 6265, section 8.5), so that another server there can copy it.
 * The proof is a random text in the local storage of the console's origin. The cookie holds its hash.
 */
export const PROOF_HEADER = 'x-git-gate-proof'
export const Proof = z.string().regex(/^[0-9a-f]{64}$/)

const Session = z.object({
  v: z.literal(VERSION),
  exp: z.number(),
  id: z.string(),
  principal: z.union([
    /** The id of the admin token that signed in; null for GATE_ADMIN_TOKEN. */
    z.object({ token: z.string().nullable() }),
    /** A person who signed in by OpenID Connect. */
    z.object({ person: Person }),
  ]),
  /** SHA-256 of the proof. */
  proof: z.string(),
})
type Session = z.infer<typeof Session>

/** A signed-in operator. Form keys are bound to `id`. */
interface SignedIn {
  readonly id: string
  readonly operator: AuthenticatedOperator
}

/**
 * Returns the HMAC key of sessions. It changes with GATE_ADMIN_TOKEN, so that a new token ends all sessions.
 */
export const keyOf = (env: Env) => {
  const { GATE_PASS_KEY, GATE_ADMIN_TOKEN } = settingsOf(env)
  return `console ${GATE_PASS_KEY} ${GATE_ADMIN_TOKEN}`
}

export const nowSeconds = () => Math.floor(Date.now() / 1000)

/** Returns whether the browser uses HTTPS. The Origin header counts too, since a proxy may terminate TLS. */
export const isHttps = (c: Context<ConsoleEnv>) =>
  new URL(c.req.url).protocol === 'https:' || c.req.header('origin')?.startsWith('https:') === true

const COOKIE = 'git-gate'
/**
 * The cookie's name over TLS. The prefix stops other hosts from setting it (RFC 6265bis, section 4.1.3.2).
 */
const HOST_COOKIE = `__Host-${COOKIE}`

/** The result of a sign-in. */
type SignIn = { ok: true } | { ok: false; reason: 'no-token' | 'no-proof' }

/** Starts a session and sets its cookie, if `token` is a valid admin token and `proof` is well-formed. */
export async function signIn(c: Context<ConsoleEnv>, token: string, proof: unknown): Promise<SignIn> {
  if (!/^[\x21-\x7e]{1,200}$/.test(token)) return { ok: false, reason: 'no-token' }
  const asking = new Request(c.req.url, { headers: { authorization: `Bearer ${token}` } })
  if (!(await operatorOf(asking, c.env))) return { ok: false, reason: 'no-token' }
  const parsedProof = Proof.safeParse(proof)
  if (!parsedProof.success) return { ok: false, reason: 'no-proof' }
  const principal = { token: parseToken(token, 'gateadmin')?.id ?? null }
  await beginSession(c, principal, await hashToken(parsedProof.data), isHttps(c))
  return { ok: true }
}

/** Starts a session that is bound to a proof, of which `proof` is the hash, and sets its cookie. */
export async function beginSession(
  c: Context<ConsoleEnv>,
  principal: Session['principal'],
  proof: string,
  secure: boolean,
): Promise<void> {
  const session: Session = {
    v: VERSION,
    exp: nowSeconds() + SESSION_SECONDS,
    id: crypto.randomUUID(),
    principal,
    proof,
  }
  setCookie(c, secure ? HOST_COOKIE : COOKIE, await signClaims(session, keyOf(c.env)), {
    path: secure ? '/' : ROOT,
    httpOnly: true,
    secure,
    sameSite: 'Strict',
    maxAge: SESSION_SECONDS,
  })
}

export function signOut(c: Context<ConsoleEnv>): void {
  if (isHttps(c)) deleteCookie(c, HOST_COOKIE, { path: '/', secure: true })
  else deleteCookie(c, COOKIE, { path: ROOT })
}

/**
 * Authenticates a request by cookie and proof, or as the admin API does, for example by Cloudflare Access'
 * JWT.
 */
export async function currentOperator(c: Context<ConsoleEnv>): Promise<SignedIn | undefined> {
  const proof = c.req.header(PROOF_HEADER)
  const session = proof === undefined ? undefined : await sessionOf(c)
  if (proof && session && (await isToken(proof, session.proof))) return operatorIn(c.env, session)
  return operatorWithoutSession(c)
}

/**
 * Authenticates a form by its key in place of the proof: only pages shown to the operator contain the key.
 */
export async function operatorOfForm(c: Context<ConsoleEnv>, key: unknown): Promise<SignedIn | undefined> {
  const session = await sessionOf(c)
  const candidates = [session && (await operatorIn(c.env, session)), await operatorWithoutSession(c)]
  for (const session of candidates) if (session && key === (await csrfToken(c.env, session))) return session
  return undefined
}

/** Returns whether the request has a valid session cookie. The cookie alone does not authenticate. */
export const hasCookie = async (c: Context<ConsoleEnv>): Promise<boolean> => {
  const session = await sessionOf(c)
  return session !== undefined && (await operatorIn(c.env, session)) !== undefined
}

async function operatorWithoutSession(c: Context<ConsoleEnv>): Promise<SignedIn | undefined> {
  const operator = await operatorOf(c.req.raw, c.env)
  return operator && { id: operator.name, operator }
}

async function sessionOf(c: Context<ConsoleEnv>): Promise<Session | undefined> {
  const cookie = getCookie(c, HOST_COOKIE) ?? getCookie(c, COOKIE) ?? ''
  const read = await readClaims(cookie, keyOf(c.env), nowSeconds(), Session, VERSION)
  return read.ok ? read.claims : undefined
}

/**
 * Returns the operator of a session with the roles of this moment. Returns undefined if the admin token was revoked or has
 * expired, or if the gate no longer has the person's issuer.
 */
async function operatorIn(env: Env, { id, principal }: Session): Promise<SignedIn | undefined> {
  if ('person' in principal) {
    const { person } = principal
    const issuer = settingsOf(env).GATE_OIDC_ISSUER
    if (issuer === undefined || new URL(issuer).href !== new URL(person.issuer).href) return undefined
    const roles = await rolesOf(env.LEDGER, person)
    return { id, operator: { name: nameOf(person), person: personKey(person), roles } }
  }
  if (principal.token === null) return { id, operator: FIRST_OPERATOR }
  const row = await findAdminToken(env.LEDGER, principal.token)
  return row && isActive(row) ? { id, operator: operatorOfAdminToken(row) } : undefined
}

/** The name of the field with the form's key. */
export const CSRF_FIELD = 'form-key'

/**
 * Returns the key of an operator's forms. Pages of other origins cannot read it, and so cannot forge a form.
 */
export const csrfToken = (env: Env, { id }: SignedIn): Promise<string> => signClaims({ form: id }, keyOf(env))
