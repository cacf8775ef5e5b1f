import { createRoute, z } from '@hono/zod-openapi'
import { askCompanion } from '../../companion/index.ts'
import { ZERO_ID } from '../../contract/names.ts'
import { Introduced, MOST_REFS, MovedRef } from '../../contract/push-diff.ts'
import { findUpstream } from '../../ledger/access/repositories.ts'
import { newId } from '../../ledger/id.ts'
import { findPush } from '../../ledger/pushes/read-pushes.ts'
import { companionAnswer } from '../companion-response.ts'
import { notFound } from '../problem.ts'
import { answers, room } from '../router.ts'

export const introduced = room().openapi(
  createRoute({
    method: 'get',
    path: '/pushes/{id}/introduced',
    tags: ['history'],
    summary: 'The commits and the diff that a push brought, where the mirror still has them',
    request: { params: z.object({ id: z.string().max(64) }) },
    responses: answers(200, z.array(Introduced), 'Of each ref that was not deleted, the beginning'),
  }),
  async c => {
    const { id } = c.req.valid('param')
    const push = await findPush(c.env.LEDGER, id)
    if (!push) throw notFound(`push ${id}`, 'push')
    const repository = await findUpstream(c.env.LEDGER, push.repository)
    if (!repository) throw notFound(`repository ${push.repository}`, 'repo')
    const refs = push.refs
      .flatMap(ref => MovedRef.safeParse(ref).data ?? [])
      .filter(ref => ref.new !== ZERO_ID)
      .slice(0, MOST_REFS)
    const asked = askCompanion(c.env, repository.name, {
      service: 'introduced',
      id: newId(),
      repository,
      refs,
    })
    return c.json(await companionAnswer(asked, z.array(Introduced)), 200)
  },
)
