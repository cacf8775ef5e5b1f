import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { logError } from '../../common/log.ts'
import { withTimeout } from '../../common/with-timeout.ts'
import { askCompanion } from '../../companion/index.ts'
import { restorePack } from '../../companion/push/held-packs.ts'
import type { Upstream } from '../../contract/companion-api/pass.ts'
import { DiffPart, MAX_REFS, PushDiff, UpdatedRef } from '../../contract/companion-api/push-diff.ts'
import { isNullId } from '../../contract/names.ts'
import { findUpstream } from '../../ledger/access/repositories.ts'
import { newId } from '../../ledger/id.ts'
import { findPush } from '../../ledger/pushes/read-pushes.ts'
import { parseCompanionResponse } from '../companion-response.ts'
import { notFound, Problem } from '../problem.ts'
import { type ApiEnv, createApiRouter, jsonResponses } from '../router.ts'

/** The time that a diff waits for the objects of its push to come from R2, in milliseconds. */
const RESTORE_TIMEOUT_MS = 20_000

/** Gives the companion the objects of a waiting push if it has lost them. Throws if that takes longer than RESTORE_TIMEOUT_MS. */
async function giveObjects(c: Context<ApiEnv>, repository: Upstream, push: string): Promise<void> {
  const restoring = restorePack(c.env, repository, push)
    .catch(error => logError({ push }, error))
    .then(() => 'tried' as const)
  c.executionCtx.waitUntil(restoring)
  if (!(await withTimeout(RESTORE_TIMEOUT_MS, restoring, undefined)))
    throw new Problem(
      502,
      'companion-unavailable',
      'the companion is restoring the objects of this push from R2',
      'Try again in a few seconds',
    )
}

export const pushDiff = createApiRouter().openapi(
  createRoute({
    method: 'get',
    path: '/pushes/{id}/diff',
    tags: ['records'],
    summary: 'Get the commits and the diff of a push, while the companion or its copy in R2 has them',
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
    await giveObjects(c, repository, push.id)
    const response = askCompanion(c.env, repository.name, {
      service: 'push-diff',
      id: newId(),
      push: push.id,
      repository,
      refs,
      part: c.req.valid('query'),
    })
    return c.json(await parseCompanionResponse(response, z.array(PushDiff)), 200)
  },
)
