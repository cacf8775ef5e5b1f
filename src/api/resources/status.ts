import { createRoute } from '@hono/zod-openapi'
import { companionKind, settingsOf } from '../../common/settings.ts'
import { Status } from '../../contract/api.ts'
import { countAll } from '../../ledger/pushes/status.ts'
import { answers, room } from '../router.ts'

export const status = room().openapi(
  createRoute({
    method: 'get',
    path: '/status',
    tags: ['status'],
    summary: 'Who is asking, and what the gate holds',
    responses: answers(200, Status, 'The status'),
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
