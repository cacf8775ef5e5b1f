import { createMiddleware } from 'hono/factory'
import { sameSecret } from '../access/token.ts'
import { operatorOfToken } from '../ledger/admin-tokens.ts'
import type { Operator } from '../ledger/changes.ts'
import { Problem } from './problem.ts'
import type { ApiEnv } from './room.ts'
import { adminSettings } from './settings.ts'

/** Lets a request in that carries an admin token, and says whose it is. */
export const authenticate = createMiddleware<ApiEnv>(async (c, next) => {
  const operator = await operatorOf(c.req.raw, c.env)
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
  const settings = adminSettings(env)
  const [, bearer] = /^Bearer +([\x21-\x7e]+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  if (bearer === undefined) return undefined
  if (settings.adminToken !== undefined && (await sameSecret(bearer, settings.adminToken)))
    return { name: 'first admin token' }
  return operatorOfToken(env.LEDGER, bearer)
}
