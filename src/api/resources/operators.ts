import { createRoute, z } from '@hono/zod-openapi'
import { NewOperatorRole, OperatorRole, Principal } from '../../contract/admin-api/operators.ts'
import {
  findOperatorRole,
  listOperatorRoles,
  removeOperatorRole,
  setOperatorRole,
} from '../../ledger/access/operator-roles.ts'
import { canonicalRepository } from '../canonical-repository.ts'
import { notFound } from '../problem.ts'
import { createApiRouter, jsonBody, jsonResponses } from '../router.ts'

const tags = ['operators']

export const operators = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/operators',
      tags,
      summary: 'List the roles of operators who sign in',
      responses: jsonResponses(200, z.array(OperatorRole), 'The roles, sorted by name'),
    }),
    async c => c.json(await listOperatorRoles(c.env.LEDGER), 200),
  )
  .openapi(
    createRoute({
      method: 'put',
      path: '/operators',
      tags,
      summary: 'Give a role, in one repository or in the whole gate',
      description: 'Replaces an earlier role of the same name in the same repository.',
      request: { body: jsonBody(NewOperatorRole) },
      responses: jsonResponses(200, OperatorRole, 'The role'),
    }),
    async c => {
      const wanted = c.req.valid('json')
      const repository = await canonicalRepository(c.env.LEDGER, wanted.repository)
      await setOperatorRole(c.env.LEDGER, c.var.operator, { ...wanted, repository })
      return c.json(await getOperatorRoleOr404(c.env.LEDGER, wanted.principal, repository), 200)
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/operators/{principal}',
      tags,
      summary: 'Take a role away, with effect from the next request',
      request: {
        params: z.object({ principal: Principal }),
        query: z.object({
          repository: z
            .string()
            .max(512)
            .optional()
            .meta({ description: 'Without it, the role in the whole gate' }),
        }),
      },
      responses: jsonResponses(200, OperatorRole, 'The removed role'),
    }),
    async c => {
      const { principal } = c.req.valid('param')
      const repository = await canonicalRepository(c.env.LEDGER, c.req.valid('query').repository ?? null)
      const role = await getOperatorRoleOr404(c.env.LEDGER, principal, repository)
      await removeOperatorRole(c.env.LEDGER, c.var.operator, role)
      return c.json(role, 200)
    },
  )

async function getOperatorRoleOr404(
  ledger: D1Database,
  principal: string,
  repository: OperatorRole['repository'],
): Promise<OperatorRole> {
  const role = await findOperatorRole(ledger, { principal, repository })
  if (!role) throw notFound(`role of ${principal} in ${repository ?? 'the gate'}`, 'operator')
  return role
}
