import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { z } from 'zod'
import type { GitEnv } from '../auth/agent.ts'
import { textResponse } from '../common/git-responses.ts'
import { hasShortBody } from '../common/short-body.ts'
import { PushRecord } from '../contract/admin-api/pushes.ts'
import { Action } from '../contract/grant.ts'
import { checkRef, explainPush, findingStatus, findOwnPush } from './answers.ts'
import { callerOf } from './caller.ts'
import { openPullRequest, WantedPullRequest } from './pull-requests.ts'
import { approvalOf, askForException, requestApproval } from './requests.ts'

const Text = z.string().trim().min(1)

/** The questions of `GET /<name>?…`, as those of the tools. */
const AgentQuery = z.object({
  push: z.string().max(64).optional(),
  fingerprint: z.string().max(128).optional(),
  ref: z.string().max(512).optional(),
  action: Action.default('update'),
})

/** The body of `POST /<name>`: a reason for a waiting push or for an exception for a finding, or a pull request. */
const AgentRequest = z.union([
  z.strictObject({ push: Text.max(64), reason: Text.max(2000) }),
  z.strictObject({ fingerprint: Text.max(128), reason: Text.max(2000) }),
  WantedPullRequest,
])

/** The parts of a push's record that its agent sees. */
const ShownPush = PushRecord.pick({ id: true, outcome: true, refs: true, findings: true, remoteLines: true })

const MAX_BODY_BYTES = 100_000

/** Answers with JSON if the client accepts it, else with the text alone. */
function reply(c: Context<GitEnv>, answer: string, more: Record<string, unknown> = {}): Response {
  if (c.req.header('accept')?.includes('application/json')) return c.json({ answer, ...more })
  return c.text(`${answer}\n`)
}

/** Serves `GET /<name>?push=ID`, `?fingerprint=…` and `?ref=…&action=…&path=…`. Without such a query the grant follows. */
export const answerAgentQuery = createMiddleware<GitEnv>(async (c, next) => {
  const read = AgentQuery.safeParse(c.req.query())
  if (!read.success) return textResponse(400, [read.error.issues[0]?.message ?? 'the query is not valid'])
  const { push, fingerprint, ref, action } = read.data
  const caller = callerOf(c)
  const repository = c.var.access.repository.name
  if (push !== undefined) {
    const found = await findOwnPush(caller, { push })
    return reply(c, await explainPush(caller, { push }), {
      push: found ? ShownPush.parse(found) : null,
      approval: (await approvalOf(caller, push)) ?? null,
    })
  }
  if (fingerprint !== undefined) return reply(c, await findingStatus(caller, { repository, fingerprint }))
  if (ref === undefined) return next()
  return reply(c, await checkRef(caller, { repository, ref, action, paths: c.req.queries('path') ?? [] }))
})

/** Serves `POST /<name>`: the agent's reason for a waiting push, a request for an exception, or a pull request. */
export async function handleAgentRequest(c: Context<GitEnv>): Promise<Response> {
  if (!hasShortBody(c.req.raw, MAX_BODY_BYTES))
    return textResponse(413, [`send a Content-Length of at most ${MAX_BODY_BYTES} with the request`])
  const read = AgentRequest.safeParse(await c.req.json().catch(() => undefined))
  if (!read.success)
    return textResponse(400, [
      'the body is JSON: {"push": ID, "reason": TEXT}, {"fingerprint": …, "reason": TEXT} or {"branch": …, "base": …, "title": …}',
    ])
  const repository = c.var.access.repository.name
  const caller = callerOf(c)
  const { data } = read
  if ('push' in data) return reply(c, await requestApproval(caller, data))
  if ('branch' in data) return reply(c, await openPullRequest(caller, { ...data, repository }))
  return reply(c, await askForException(caller, { ...data, repository }))
}
