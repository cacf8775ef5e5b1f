import { createRoute, z } from '@hono/zod-openapi'
import { companionKind, settingsOf } from '../../common/settings.ts'
import { allStatuses } from '../../companion/status.ts'
import { Status } from '../../contract/admin-api/status.ts'
import { RepositoryStatus } from '../../contract/companion-api/status.ts'
import { hasRole } from '../../contract/role.ts'
import { countAll } from '../../ledger/pushes/status.ts'
import { createApiRouter, jsonResponses } from '../router.ts'

const tags = ['status']

export const status = createApiRouter()
  .openapi(
    createRoute({
      method: 'get',
      path: '/status',
      tags,
      summary: 'Get the operator of the request, and counts of the resources',
      responses: jsonResponses(200, Status, 'The status'),
    }),
    async c =>
      c.json(
        {
          operator: c.var.operator.name,
          companion: companionKind(settingsOf(c.env)),
          ...(await countAll(c.env.LEDGER)),
        },
        200,
      ),
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/mirrors',
      tags,
      summary: 'List the mirrors of running companions',
      description:
        'No container is started. A repository that was not used since its companion started is left out.',
      responses: jsonResponses(
        200,
        z.array(RepositoryStatus),
        'The mirrors, with the result of their last refresh',
      ),
    }),
    async c => {
      const states = await allStatuses(c.env)
      const mirrors = states.flatMap(each => (each.state === 'running' ? each.status.repositories : []))
      return c.json(
        mirrors.filter(({ repository }) => hasRole(c.var.operator.roles, 'viewer', { repository })),
        200,
      )
    },
  )
