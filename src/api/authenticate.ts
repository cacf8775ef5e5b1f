import { createMiddleware } from 'hono/factory'
import { ASSERTION_HEADER, personOfAssertion } from '../auth/cloudflare-access.ts'
import { settingsOf } from '../common/settings.ts'
import { operatorOfToken } from '../ledger/access/admin-tokens.ts'
import { personKey, rolesOf } from '../ledger/access/operator-roles.ts'
import { equalSecrets } from '../ledger/access/token-format.ts'
import type { AuthenticatedOperator } from '../ledger/audit-log.ts'
import { Problem } from './problem.ts'
import type { ApiEnv } from './router.ts'

/** The operator who has the GATE_ADMIN_TOKEN of the environment. */
export const FIRST_OPERATOR: AuthenticatedOperator = {
  name: 'first admin token',
  person: 'first admin token',
  roles: [{ role: 'admin', repository: null }],
}

/** Requests made inside the Worker for an operator who has signed in to the console. */
const authenticated = new WeakMap<Request, AuthenticatedOperator>()

/** Makes `authenticate` accept this request as the operator's, without an admin token. */
export function authenticateAs(request: Request, operator: AuthenticatedOperator): void {
  authenticated.set(request, operator)
}

/** Requires an admin token or a Cloudflare Access assertion, and sets `operator`; answers 401 without. */
export const authenticate = createMiddleware<ApiEnv>(async (c, next) => {
  const operator = authenticated.get(c.req.raw) ?? (await operatorOf(c.req.raw, c.env))
  if (!operator)
    throw new Problem(
      401,
      'unauthenticated',
      'the request has no valid admin token',
      'Send "Authorization: Bearer <admin token>"; the command line reads it from GATE_ADMIN_TOKEN',
    )
  c.set('operator', operator)
  await next()
})

/** Returns the operator who sent a request, or undefined. */
export async function operatorOf(request: Request, env: Env): Promise<AuthenticatedOperator | undefined> {
  const [, bearer] = /^Bearer +([\x21-\x7e]+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  if (bearer !== undefined)
    return (await equalSecrets(bearer, settingsOf(env).GATE_ADMIN_TOKEN))
      ? FIRST_OPERATOR
      : operatorOfToken(env.LEDGER, bearer)
  const { GATE_ACCESS_TEAM: team, GATE_ACCESS_AUDIENCE: audience } = settingsOf(env)
  const assertion = request.headers.get(ASSERTION_HEADER)
  if (!team || !audience || !assertion || isCrossSite(request)) return undefined
  const asserted = await personOfAssertion(assertion, { team, audience })
  if (!asserted) return undefined
  const { name, person } = asserted
  return { name, person: personKey(person), roles: await rolesOf(env.LEDGER, person) }
}

/**
 * Returns whether another site made the browser send this request. Cloudflare Access authenticates by cookie, and the
 * browser sends that cookie with cross-site requests too. Their Origin or Sec-Fetch-Site header gives them away.
 */
function isCrossSite(request: Request): boolean {
  const origin = request.headers.get('origin')
  const site = request.headers.get('sec-fetch-site')
  return (
    (origin !== null && origin !== new URL(request.url).origin) ||
    (site !== null && site !== 'same-origin' && site !== 'none')
  )
}
