import type { Context } from 'hono'
import { DecisionResult } from '../../contract/admin-api/findings.ts'
import { findPush } from '../../ledger/pushes/read-pushes.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { pushPage } from '../pages/pushes/push.tsx'
import { pathOf } from '../paths.ts'
import { callApi } from './call-api.ts'

/** `POST /pushes/<id>/allow-all`: allows every pending finding of a push, with one reason and without expiry. */
export async function allowAll(c: Context<ConsoleEnv>): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const reason = String((await c.req.parseBody()).reason ?? '').trim()
  const push = await findPush(c.env.LEDGER, id)
  if (!push) return pushPage(c, id)
  const { repository } = push
  const decision = { repository, decision: 'allow', reason, until: null, select: { push: id } }
  const allowed = await callApi(c, DecisionResult, 'POST', '/decisions', decision)
  return allowed.ok
    ? c.redirect(pathOf.push(id), 303)
    : pushPage(c, id, { allowAll: { reason, problem: allowed.problem } })
}
