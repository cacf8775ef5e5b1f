import type { Context } from 'hono'
import { z } from 'zod'
import { DecisionResult, Declined, GrantedException } from '../../contract/admin-api/findings.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { FindingDecision, reasonOr, untilOf } from '../findings/finding-decision.ts'
import { pushPage } from '../pages/pushes/push.tsx'
import { pendingPage, toPageQuery } from '../pages/review/pending-findings.tsx'
import { isOwnPath, pathOf } from '../paths.ts'
import { callApi } from './call-api.ts'

const Decision = FindingDecision.extend({
  repository: z.string(),
  fingerprint: z.string(),
  /** The findings to decide on: this one, or all pending ones with its push, path, rule or repository. */
  scope: z.enum(['one', 'push', 'path', 'rule', 'all']).default('one'),
  push: z.string().default(''),
  rule: z.string().default(''),
  path: z.string().default(''),
  returnTo: z.string().refine(isOwnPath),
})

/** `POST /pending/decide`: decides in the page of a push. Shows that page again, with its values, when the API rejects the decision. */
export async function decideFinding(c: Context<ConsoleEnv>): Promise<Response> {
  const parsed = Decision.safeParse(await c.req.parseBody())
  if (!parsed.success)
    return c.text('The form is incomplete. Reload the page, and submit the form again.', 400)
  const { repository, fingerprint, reason, until, returnTo } = parsed.data
  const result = await sendDecision(c, parsed.data)
  if (result.ok) return c.redirect(returnTo, 303)
  const [, push] = /\/pushes\/([0-9a-z]+)$/.exec(returnTo) ?? []
  if (push !== undefined) {
    const decision = { repository, fingerprint, reason, until, problem: result.problem }
    return pushPage(c, push, { decision })
  }
  return pendingPage(c, { ...toPageQuery({}), problem: result.problem })
}

/** Sends a decision on one finding, or on all that its scope selects, to the API. */
function sendDecision(c: Context<ConsoleEnv>, given: z.infer<typeof Decision>) {
  const { decision, repository, fingerprint, scope } = given
  const until = untilOf(given.until)
  const reason = decision === 'allow' || scope !== 'one' ? reasonOr(given.reason) : given.reason
  if (scope !== 'one') {
    const select = scope === 'all' ? {} : { [scope]: scope === 'path' ? asGlob(given.path) : given[scope] }
    return callApi(c, DecisionResult, 'POST', '/decisions', { repository, decision, reason, until, select })
  }
  return decision === 'allow'
    ? callApi(c, GrantedException, 'POST', '/exceptions', { repository, fingerprint, reason, until })
    : callApi(c, Declined, 'POST', '/declines', { repository, fingerprint, reason })
}

/** Returns the glob that matches this path alone. */
const asGlob = (path: string) => path.replace(/[*?[\]\\]/g, '\\$&')

/** `POST /pending/revoke`: revokes an exception. */
export async function revokeException(c: Context<ConsoleEnv>): Promise<Response> {
  const { id } = await c.req.parseBody()
  const path = `/exceptions/${encodeURIComponent(String(id))}`
  const result = await callApi(c, GrantedException, 'DELETE', path)
  return result.ok
    ? c.redirect(pathOf.pending, 303)
    : pendingPage(c, { ...toPageQuery({}), problem: result.problem })
}

/** `POST /pending/undo-decline`: makes a declined finding pending again. */
export async function undoDecline(c: Context<ConsoleEnv>): Promise<Response> {
  const { repository, fingerprint } = await c.req.parseBody()
  const path = `/declines/${encodeURIComponent(String(repository))}/${encodeURIComponent(String(fingerprint))}`
  const result = await callApi(c, z.object({}), 'DELETE', path)
  return result.ok
    ? c.redirect(pathOf.pending, 303)
    : pendingPage(c, { ...toPageQuery({}), problem: result.problem })
}
