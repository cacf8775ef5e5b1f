import type { Context, Hono, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { z } from 'zod'
import { describeRole, hasRole, type Role, type Scope } from '../contract/role.ts'
import type { AuthenticatedOperator } from '../ledger/audit-log.ts'
import { findException } from '../ledger/findings/exceptions.ts'
import { repositoryOfPush } from '../ledger/pushes/read-pushes.ts'
import { Problem } from './problem.ts'
import { type ApiEnv, honoPath } from './router.ts'

/** Finds the scope of a request. A request that names no repository is about the whole gate. */
type FindScope = (c: Context<ApiEnv>) => Scope | Promise<Scope>

/** Returns the scope of a request that names this repository, or none. */
export const scopeOf = (repository: unknown): Scope =>
  typeof repository === 'string' && repository !== '' ? { repository } : 'gate'

/** Returns the scope of a request about a push. A push that is not on record is the whole gate's. */
export const scopeOfPush = async (ledger: D1Database, id: string): Promise<Scope> =>
  scopeOf(await repositoryOfPush(ledger, id))

const gate: FindScope = () => 'gate'
const any: FindScope = () => 'any'
const inPath =
  (parameter: string): FindScope =>
  c =>
    scopeOf(c.req.param(parameter))
const inQuery: FindScope = c => scopeOf(c.req.query('repository'))
const Body = z.object({ repository: z.string() })
const inBody: FindScope = async c =>
  scopeOf(Body.safeParse(await c.req.json().catch(() => undefined)).data?.repository)
const ofPush: FindScope = c => scopeOfPush(c.env.LEDGER, c.req.param('id') ?? '')
const ofException: FindScope = async c =>
  scopeOf((await findException(c.env.LEDGER, c.req.param('id') ?? ''))?.repository)

/**
 * The least role for each route of the admin API, and the scope in which the operator must have it. A route that is not
 * here needs an admin of the whole gate. A repository's settings name identities and upstreams, which are the gate's.
 */
const RULES: readonly (readonly [route: string, minRole: Role, scope: FindScope])[] = [
  ['GET /status', 'viewer', any],
  ['GET /mirrors', 'viewer', any], // lists those in which the operator has a role
  ['GET /repositories', 'viewer', any], // lists those in which the operator has a role
  ['POST /repositories', 'admin', gate],
  ['POST /repository-settings/check', 'admin', gate],
  ['GET /repositories/{name}', 'viewer', inPath('name')],
  ['PUT /repositories/{name}', 'admin', gate],
  ['DELETE /repositories/{name}', 'admin', gate],
  ['GET /repositories/{name}/status', 'viewer', inPath('name')],
  ['POST /repositories/{name}/check', 'approver', inPath('name')],
  ['GET /identities', 'viewer', gate],
  ['POST /identities', 'admin', gate],
  ['GET /identities/{name}', 'viewer', gate],
  ['DELETE /identities/{name}', 'admin', gate],
  ['GET /credentials', 'viewer', gate],
  ['GET /credentials/{name}', 'viewer', gate],
  ['PUT /credentials/{name}', 'admin', gate],
  ['DELETE /credentials/{name}', 'admin', gate],
  ['GET /agents', 'viewer', gate],
  ['POST /agents', 'admin', gate],
  ['GET /agents/{name}', 'viewer', gate],
  ['DELETE /agents/{name}', 'admin', gate],
  ['GET /grants', 'viewer', inQuery],
  ['GET /grants/{agent}/{repository}', 'viewer', inPath('repository')],
  ['PUT /grants/{agent}/{repository}', 'admin', inPath('repository')],
  ['DELETE /grants/{agent}/{repository}', 'admin', inPath('repository')],
  ['GET /tokens', 'viewer', gate],
  ['POST /tokens', 'admin', gate],
  ['DELETE /tokens/{id}', 'admin', gate],
  ['GET /pushes', 'viewer', inQuery],
  ['GET /pushes/{id}', 'viewer', ofPush],
  ['GET /pushes/{id}/diff', 'viewer', ofPush],
  ['GET /export/pushes', 'viewer', inQuery],
  ['GET /audit-log', 'viewer', gate],
  ['GET /fetches', 'viewer', inQuery],
  ['GET /lfs-transfers', 'viewer', inQuery],
  ['GET /host-calls', 'viewer', inQuery],
  ['GET /auth-failures', 'viewer', gate],
  ['GET /exceptions', 'viewer', inQuery],
  ['POST /exceptions', 'approver', inBody],
  ['DELETE /exceptions/{id}', 'approver', ofException],
  ['GET /declines', 'viewer', inQuery],
  ['POST /declines', 'approver', inBody],
  ['DELETE /declines/{repository}/{fingerprint}', 'approver', inPath('repository')],
  ['GET /pending', 'viewer', inQuery],
  ['POST /decisions', 'approver', inBody],
  ['GET /approvals', 'viewer', inQuery],
  ['GET /approvals/{id}', 'viewer', ofPush],
  ['POST /approvals/{id}/approve', 'approver', ofPush],
  ['POST /approvals/{id}/reject', 'approver', ofPush],
  ['GET /admin-tokens', 'admin', gate],
  ['POST /admin-tokens', 'admin', gate],
  ['DELETE /admin-tokens/{id}', 'admin', gate],
  ['GET /operators', 'viewer', gate],
  ['PUT /operators', 'admin', gate],
  ['DELETE /operators/{principal}', 'admin', gate],
  ['GET /webhooks', 'admin', gate], // a chat service's URL is a secret
  ['POST /webhooks', 'admin', gate],
  ['DELETE /webhooks/{id}', 'admin', gate],
]

/** Requires the role of each route, before any of them is handled. Hono itself reads the paths, as for the routes. */
export function authorize(api: Hono<ApiEnv>): void {
  for (const [route, minRole, scope] of RULES) {
    const [method = '', path = ''] = route.split(' ')
    api.on(method, honoPath(path), requireRole(minRole, scope))
  }
  api.use('*', (c, next) => (c.var.authorized ? next() : requireRole('admin', gate)(c, next)))
}

/** Answers 403 unless the operator has the role in the scope. */
export const requireRole = (minRole: Role, scope: FindScope): MiddlewareHandler<ApiEnv> =>
  createMiddleware<ApiEnv>(async (c, next) => {
    const problem = missingRole(c.var.operator, minRole, await scope(c))
    if (problem) throw problem
    c.set('authorized', true)
    await next()
  })

/** Returns the refusal for an operator without the role in the scope; undefined if the operator has it. */
export function missingRole(
  { name, roles }: AuthenticatedOperator,
  minRole: Role,
  scope: Scope,
): Problem | undefined {
  if (hasRole(roles, minRole, scope)) return undefined
  const repository = typeof scope === 'object' ? scope.repository : null
  const ownRoles = roles.map(describeRole).join(', ') || 'no role'
  return new Problem(
    403,
    'forbidden',
    `${name} has ${ownRoles}; this needs ${describeRole({ role: minRole, repository })}`.slice(0, 1000),
    scope === 'gate' && roles.some(each => each.repository !== null)
      ? 'Name a repository of yours (repository=NAME) where the request takes one, or ask an admin for the role'
      : 'Ask an admin for the role: git gate operator set PRINCIPAL --role ROLE',
  )
}
