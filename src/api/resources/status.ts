import { createRoute } from '@hono/zod-openapi'
import { companionKind, settingsOf } from '../../common/settings.ts'
import { Status } from '../../contract/admin-api/status.ts'
import { countAll } from '../../ledger/pushes/status.ts'
import { createApiRouter, jsonResponses } from '../router.ts'

export const status = createApiRouter().openapi(
  createRoute({
    method: 'get',
    path: '/status',
    tags: ['status'],
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
