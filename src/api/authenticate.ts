import { createMiddleware } from 'hono/factory'
import { ASSERTION_HEADER, operatorOfAssertion } from '../auth/cloudflare-access.ts'
import { settingsOf } from '../common/settings.ts'
import { operatorOfToken } from '../ledger/access/admin-tokens.ts'
import { sameSecret } from '../ledger/access/token-format.ts'
import type { Operator } from '../ledger/audit-log.ts'
import { Problem } from './problem.ts'
import type { ApiEnv } from './router.ts'

/** Who has the admin token of the environment. */
export const FIRST_OPERATOR: Operator = { name: 'first admin token' }

const vouched = new WeakMap<Request, Operator>()

/** Lets this one request in as one of an operator who has signed in otherwise, such as in the console. */
export function vouchFor(request: Request, operator: Operator): void {
  vouched.set(request, operator)
}

/** Lets a request in that carries an admin token, and says whose it is. */
export const authenticate = createMiddleware<ApiEnv>(async (c, next) => {
  const operator = vouched.get(c.req.raw) ?? (await operatorOf(c.req.raw, c.env))
  if (!operator)
    throw new Problem(
      401,
      'unauthenticated',
      'this is for administrators, and no valid admin token came with it',
      'Send "Authorization: Bearer <admin token>"; the command line takes it from GATE_ADMIN_TOKEN',
    )
  c.set('operator', operator)
  await next()
})

/** The operator who sent a request, or undefined. */
export async function operatorOf(request: Request, env: Env): Promise<Operator | undefined> {
  const [, bearer] = /^Bearer +([\x21-\x7e]+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  if (bearer !== undefined)
    return (await sameSecret(bearer, settingsOf(env).GATE_ADMIN_TOKEN))
      ? FIRST_OPERATOR
      : operatorOfToken(env.LEDGER, bearer)
  const { GATE_ACCESS_TEAM: team, GATE_ACCESS_AUDIENCE: audience } = settingsOf(env)
  const assertion = request.headers.get(ASSERTION_HEADER)
  if (!team || !audience || !assertion || isCrossSite(request)) return undefined
  return operatorOfAssertion(assertion, { team, audience })
}

/**
 * Access lets a browser in by its cookie, which the browser also sends with what another site makes it send. Such a
 * request carries a foreign Origin, or says so in Sec-Fetch-Site.
 */
function isCrossSite(request: Request): boolean {
  const origin = request.headers.get('origin')
  const site = request.headers.get('sec-fetch-site')
  return (
    (origin !== null && origin !== new URL(request.url).origin) ||
    (site !== null && site !== 'same-origin' && site !== 'none')
  )
}
