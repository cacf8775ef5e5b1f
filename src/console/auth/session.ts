import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'
import { operatorOf } from '../../api/authenticate.ts'
import { settingsOf } from '../../common/settings.ts'
import { readClaims, signClaims } from '../../contract/signed-claims.ts'
import { findAdminToken } from '../../ledger/access/admin-tokens.ts'
import { parseToken } from '../../ledger/access/token-format.ts'
import type { Operator } from '../../ledger/audit-log.ts'
import { isActive } from '../components/is-active.ts'
import { ROOT } from '../paths.ts'
import type { ConsoleEnv } from './env.ts'

/** How long a sign-in lasts, in seconds. */
const SESSION_SECONDS = 8 * 60 * 60
/** The version of what a cookie holds. */
const VERSION = 1

/** Who signed in, with which admin token: its id, or null for the one of the environment. Never the token itself. */
const Session = z.object({
  v: z.literal(VERSION),
  exp: z.number(),
  id: z.string(),
  operator: z.string(),
  token: z.string().nullable(),
})

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
const isHttps = (c: Context<ConsoleEnv>) => new URL(c.req.url).protocol === 'https:'
/** A `__Secure-` cookie cannot be set over http (RFC 6265bis), nor need the gate be on https on loopback. */
const cookieName = (c: Context<ConsoleEnv>) => (isHttps(c) ? '__Secure-git-gate' : 'git-gate')

/** Begins a session when `token` is an admin token that holds; answers whether it is. */
export async function signIn(c: Context<ConsoleEnv>, token: string): Promise<boolean> {
  if (!/^[\x21-\x7e]{1,200}$/.test(token)) return false
  const asking = new Request(c.req.url, { headers: { authorization: `Bearer ${token}` } })
  const operator = await operatorOf(asking, c.env)
  if (!operator) return false
  const session: z.infer<typeof Session> = {
    v: VERSION,
    exp: nowSeconds() + SESSION_SECONDS,
    id: crypto.randomUUID(),
    operator: operator.name,
    token: parseToken(token, 'gateadmin')?.id ?? null,
  }
  setCookie(c, cookieName(c), await signClaims(session, keyOf(c.env)), {
    path: ROOT,
    httpOnly: true,
    secure: isHttps(c),
    sameSite: 'Strict',
    maxAge: SESSION_SECONDS,
  })
  return true
}

export function signOut(c: Context<ConsoleEnv>): void {
  deleteCookie(c, cookieName(c), { path: ROOT, secure: isHttps(c) })
}

/** Who asks: by their session, or by what the admin API takes too, such as Cloudflare Access' word. */
export async function whoAsks(c: Context<ConsoleEnv>): Promise<SignedIn | undefined> {
  const cookie = getCookie(c, cookieName(c))
  const read = await readClaims(cookie ?? '', keyOf(c.env), nowSeconds(), Session, VERSION)
  if (read.ok && (await stillHolds(c.env.LEDGER, read.claims.token)))
    return { id: read.claims.id, operator: { name: read.claims.operator } }
  const operator = await operatorOf(c.req.raw, c.env)
  return operator && { id: operator.name, operator }
}

/** A session ends with the token that began it. */
async function stillHolds(ledger: D1Database, id: string | null): Promise<boolean> {
  if (id === null) return true
  const token = await findAdminToken(ledger, id)
  return token !== undefined && isActive(token)
}

/** What every form of this person carries, so that no other page can send one in their name. */
export const formKey = (env: Env, { id }: SignedIn): Promise<string> => signClaims({ form: id }, keyOf(env))
