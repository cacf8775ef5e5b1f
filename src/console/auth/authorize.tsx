import type { Context } from 'hono'
import { Hono } from 'hono'
import { missingRole, scopeOf, scopeOfPush } from '../../api/authorize.ts'
import { hasRole, type Role, type Scope } from '../../contract/role.ts'
import { forbiddenPage } from '../pages/forbidden.tsx'
import { pathOf, ROOT } from '../paths.ts'
import type { ConsoleEnv } from './env.ts'

type FindScope = (c: Context<ConsoleEnv>) => Scope | Promise<Scope>

/** Returns the repository that a list is limited to. The answer to a form shows the list that the form came from. */
export function listedRepository(c: Context<ConsoleEnv>): string | undefined {
  if (c.req.method === 'GET') return c.req.query('repository') || undefined
  const referer = URL.parse(c.req.header('referer') ?? '')
  return referer?.searchParams.get('repository') || undefined
}

const gate: FindScope = () => 'gate'
const any: FindScope = () => 'any'
const listed: FindScope = c => scopeOf(listedRepository(c))
const inPath =
  (parameter: string): FindScope =>
  c =>
    scopeOf(c.req.param(parameter))
const ofPush: FindScope = c => scopeOfPush(c.env.LEDGER, c.req.param('id') ?? '')
const ofReturn: FindScope = async c => {
  const [, push] = /\/pushes\/([0-9a-z]+)$/.exec(String((await c.req.parseBody()).returnTo)) ?? []
  return push === undefined ? listed(c) : scopeOfPush(c.env.LEDGER, push)
}

/**
 * The least role for what each page shows; the first rule that fits decides. A page that is not here needs an admin of
 * the whole gate. The admin API, which the form's page calls, decides about a form.
 */
const RULES: readonly (readonly [method: string, path: string, minRole: Role, scope: FindScope])[] = [
  ['GET', '/', 'viewer', any],
  ['GET', '/pushes', 'viewer', listed],
  ['GET', '/pushes/live', 'viewer', listed],
  ['GET', '/pushes/:id', 'viewer', ofPush],
  ['GET', '/pushes/:id/:part{live|diff|allow-all}', 'viewer', ofPush],
  ['POST', '/pushes/:id/allow-all', 'viewer', ofPush],
  ['GET', '/pending', 'viewer', listed],
  ['POST', '/pending/decide', 'viewer', ofReturn],
  ['POST', '/pending/:form{decide-selected|revoke|undo-decline}', 'viewer', listed],
  ['GET', '/approvals', 'viewer', listed],
  ['GET', '/approvals/:id', 'viewer', ofPush],
  ['POST', '/approvals/:id', 'viewer', ofPush],
  ['GET', '/repositories', 'viewer', any],
  ['GET', '/repositories/:name', 'viewer', inPath('name')],
  ['POST', '/repositories/:name/check', 'viewer', inPath('name')],
  ['POST', '/repositories/:name', 'viewer', inPath('name')],
  ['GET', '/agents/:name/grants/:repository', 'viewer', inPath('repository')],
  ['POST', '/agents/:name/grants/:repository', 'viewer', inPath('repository')],
  ['GET', '/agents', 'viewer', gate],
  ['GET', '/agents/*', 'viewer', gate],
  ['POST', '/agents', 'viewer', gate],
  ['POST', '/agents/*', 'viewer', gate],
  ['GET', '/overview', 'viewer', gate],
  ['GET', '/settings', 'viewer', gate],
  ['GET', '/settings/audit-log', 'viewer', gate],
  ['GET', '/settings/identities', 'viewer', gate],
]

/** Returns whether an operator of the whole gate may open the page at this path. */
export const mayOpen = (c: Context<ConsoleEnv>, path: string): boolean => {
  const rule = RULES.find(([method, of]) => method === 'GET' && `${ROOT}${of}` === path)
  return hasRole(c.var.operator.roles, rule?.[2] ?? 'admin', 'gate')
}

/** Requires the role of each page, before any of them is made. */
export const pageRoles = new Hono<ConsoleEnv>()
for (const [method, path, minRole, scope] of RULES)
  pageRoles.on(method, path, async (c, next) => {
    if (c.var.authorized) return next()
    return (await refused(c, minRole, await scope(c))) ?? next()
  })
pageRoles.use('*', async (c, next) =>
  c.var.authorized ? next() : ((await refused(c, 'admin', 'gate')) ?? next()),
)

/** Returns the answer to an operator without the role. A list of all repositories becomes that of the first of theirs. */
async function refused(c: Context<ConsoleEnv>, minRole: Role, scope: Scope): Promise<Response | undefined> {
  const problem = missingRole(c.var.operator, minRole, scope)
  if (!problem) {
    c.set('authorized', true)
    return undefined
  }
  const own = c.var.operator.roles.find(({ repository }) => repository !== null)?.repository
  const isList = [pathOf.pushes, pathOf.pending, pathOf.approvals].includes(c.req.path)
  if (own && isList && scope === 'gate' && c.req.method === 'GET')
    return c.redirect(`${c.req.path}?${new URLSearchParams({ ...c.req.query(), repository: own })}`, 302)
  return forbiddenPage(c, problem)
}
