import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'
import { FIRST_OPERATOR, operatorOf } from '../../api/authenticate.ts'
import { settingsOf } from '../../common/settings.ts'
import { readClaims, signClaims } from '../../contract/signed-claims.ts'
import { findAdminToken, operatorOfAdminToken } from '../../ledger/access/admin-tokens.ts'
import { hashToken, isToken, parseToken } from '../../ledger/access/token-format.ts'
import type { Operator } from '../../ledger/audit-log.ts'
import { isActive } from '../components/is-active.ts'
import { ROOT } from '../paths.ts'
import type { ConsoleEnv } from './env.ts'

/** How long a sign-in lasts, in seconds. */
const SESSION_SECONDS = 8 * 60 * 60
/** The version of what a cookie holds. */
const VERSION = 2

/**
 * A session is two halves. The cookie is one: the browser sends it to every port of its host (RFC 6265, 8.5), so another
 * server there has a copy. The proof is the other: a random text in the local storage of the console's origin, of which
 * the cookie holds the hash. Pages send it in this header.
 */
export const PROOF_HEADER = 'x-git-gate-proof'
const Proof = z.string().regex(/^[0-9a-f]{64}$/)

const Session = z.object({
  v: z.literal(VERSION),
  exp: z.number(),
  id: z.string(),
  /** The id of the admin token that began it; null: the one of the environment. */
  token: z.string().nullable(),
  /** SHA-256 of the proof. */
  proof: z.string(),
})
type Session = z.infer<typeof Session>

/** Someone who may use the console. `id` is what their forms are bound to. */
interface SignedIn {
  readonly id: string
  readonly operator: Operator
}

/** Changes with the gate's keys, so that a new first admin token ends the sessions that the old one began. */
const keyOf = (env: Env) => {
  const { GATE_PASS_KEY, GATE_ADMIN_TOKEN } = settingsOf(env)
  return `console ${GATE_PASS_KEY} ${GATE_ADMIN_TOKEN}`
}

const nowSeconds = () => Math.floor(Date.now() / 1000)

/** The browser's own word counts too: TLS may end at a proxy. */
const isHttps = (c: Context<ConsoleEnv>) =>
  new URL(c.req.url).protocol === 'https:' || c.req.header('origin')?.startsWith('https:') === true

const COOKIE = 'git-gate'
/** Over TLS: no other host can have set a cookie of this name (RFC 6265bis, 4.1.3.2). */
const HOST_COOKIE = `__Host-${COOKIE}`

/** Why nobody was signed in. */
type SignIn = { ok: true } | { ok: false; why: 'no-token' | 'no-proof' }

/** Begins a session when `token` is an admin token that holds, and the page that sends it holds a proof. */
export async function signIn(c: Context<ConsoleEnv>, token: string, proof: unknown): Promise<SignIn> {
  if (!/^[\x21-\x7e]{1,200}$/.test(token)) return { ok: false, why: 'no-token' }
  const asking = new Request(c.req.url, { headers: { authorization: `Bearer ${token}` } })
  if (!(await operatorOf(asking, c.env))) return { ok: false, why: 'no-token' }
  const held = Proof.safeParse(proof)
  if (!held.success) return { ok: false, why: 'no-proof' }
  const session: Session = {
    v: VERSION,
    exp: nowSeconds() + SESSION_SECONDS,
    id: crypto.randomUUID(),
    token: parseToken(token, 'gateadmin')?.id ?? null,
    proof: await hashToken(held.data),
  }
  setCookie(c, isHttps(c) ? HOST_COOKIE : COOKIE, await signClaims(session, keyOf(c.env)), {
    path: isHttps(c) ? '/' : ROOT,
    httpOnly: true,
    secure: isHttps(c),
    sameSite: 'Strict',
    maxAge: SESSION_SECONDS,
  })
  return { ok: true }
}

export function signOut(c: Context<ConsoleEnv>): void {
  if (isHttps(c)) deleteCookie(c, HOST_COOKIE, { path: '/', secure: true })
  else deleteCookie(c, COOKIE, { path: ROOT })
}

/** Who asks: by both halves of their session, or by what the admin API takes too, such as Cloudflare Access' word. */
export async function whoAsks(c: Context<ConsoleEnv>): Promise<SignedIn | undefined> {
  const proof = c.req.header(PROOF_HEADER)
  const session = proof === undefined ? undefined : await sessionOf(c)
  if (proof && session && (await isToken(proof, session.proof))) return operatorIn(c.env, session)
  return whoAsksWithoutSession(c)
}

/** Who sent a form: its key, which stands only in pages that were shown to them, is their proof. */
export async function whoSent(c: Context<ConsoleEnv>, key: unknown): Promise<SignedIn | undefined> {
  const session = await sessionOf(c)
  const known = [session && (await operatorIn(c.env, session)), await whoAsksWithoutSession(c)]
  for (const who of known) if (who && key === (await formKey(c.env, who))) return who
  return undefined
}

/** Has this request the cookie of a session, whoever sent it? */
export const hasCookie = async (c: Context<ConsoleEnv>): Promise<boolean> => {
  const session = await sessionOf(c)
  return session !== undefined && (await operatorIn(c.env, session)) !== undefined
}

async function whoAsksWithoutSession(c: Context<ConsoleEnv>): Promise<SignedIn | undefined> {
  const operator = await operatorOf(c.req.raw, c.env)
  return operator && { id: operator.name, operator }
}

async function sessionOf(c: Context<ConsoleEnv>): Promise<Session | undefined> {
  const cookie = getCookie(c, HOST_COOKIE) ?? getCookie(c, COOKIE) ?? ''
  const read = await readClaims(cookie, keyOf(c.env), nowSeconds(), Session, VERSION)
  return read.ok ? read.claims : undefined
}

/** A session ends with the token that began it. */
async function operatorIn(env: Env, { id, token }: Session): Promise<SignedIn | undefined> {
  if (token === null) return { id, operator: FIRST_OPERATOR }
  const row = await findAdminToken(env.LEDGER, token)
  return row && isActive(row) ? { id, operator: operatorOfAdminToken(row) } : undefined
}

/** The field of every form that carries its key. */
export const FORM_KEY = 'form-key'

/** What every form of this person carries, so that no other page can send one in their name. */
export const formKey = (env: Env, { id }: SignedIn): Promise<string> => signClaims({ form: id }, keyOf(env))
