import { createRoute, z } from '@hono/zod-openapi'
import { askCompanion } from '../../companion/index.ts'
import { DiffPart, MAX_REFS, PushDiff, UpdatedRef } from '../../contract/companion-api/push-diff.ts'
import { isNullId } from '../../contract/names.ts'
import { findUpstream } from '../../ledger/access/repositories.ts'
import { newId } from '../../ledger/id.ts'
import { findPush } from '../../ledger/pushes/read-pushes.ts'
import { parseCompanionResponse } from '../companion-response.ts'
import { notFound } from '../problem.ts'
import { createApiRouter, jsonResponses } from '../router.ts'

export const pushDiff = createApiRouter().openapi(
  createRoute({
    method: 'get',
    path: '/pushes/{id}/diff',
    tags: ['records'],
    summary: 'Get the commits and the diff of a push, while the companion has them',
    description: 'Of a refused push, secrets are redacted. Its text is null if its secrets are not known.',
    request: { params: z.object({ id: z.string().max(64) }), query: DiffPart },
    responses: jsonResponses(
      200,
      z.array(PushDiff),
      'The beginning of the commits and of the diff, for each ref that was not deleted',
    ),
  }),
  async c => {
    const { id } = c.req.valid('param')
    const push = await findPush(c.env.LEDGER, id)
    if (!push) throw notFound(`push ${id}`, 'push')
    const repository = await findUpstream(c.env.LEDGER, push.repository)
    if (!repository) throw notFound(`repository ${push.repository}`, 'repo')
    const refs = push.refs
      .flatMap(ref => UpdatedRef.safeParse(ref).data ?? [])
      .filter(ref => !isNullId(ref.new))
      .slice(0, MAX_REFS)
    const response = askCompanion(c.env, repository.name, {
      service: 'introduced',
      id: newId(),
      push: push.id,
      repository,
      refs,
      part: c.req.valid('query'),
    })
    return c.json(await parseCompanionResponse(response, z.array(PushDiff)), 200)
  },
)
