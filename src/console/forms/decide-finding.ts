import type { Context } from 'hono'
import { z } from 'zod'
import { Declined, GrantedException } from '../../contract/api.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { EXPIRY_OPTIONS } from '../components/finding-card.tsx'
import { pendingPage } from '../pages/pending-findings.tsx'
import { pushPage } from '../pages/push.tsx'
import { isOwnPath, pathOf } from '../paths.ts'
import { callApi } from './call-api.ts'

/** The reason of an exception when the operator gives none; the API requires one. */
const NO_REASON = 'allowed in the console, no reason given'

const Decision = z.object({
  decision: z.enum(['allow', 'decline']),
  repository: z.string(),
  fingerprint: z.string(),
  reason: z.string().trim(),
  until: z.enum(['day', 'week', 'month', 'never']),
  returnTo: z.string().refine(isOwnPath),
})

/** `POST /pending/decide`. Shows the page of the form again, with its values, when the API rejects the decision. */
export async function decideFinding(c: Context<ConsoleEnv>): Promise<Response> {
  const parsed = Decision.safeParse(await c.req.parseBody())
  if (!parsed.success)
    return c.text('The form is incomplete. Reload the page, and submit the form again.', 400)
  const { decision, repository, fingerprint, reason, until, returnTo } = parsed.data
  const { hours } = EXPIRY_OPTIONS[until]
  const result =
    decision === 'allow'
      ? await callApi(c, GrantedException, 'POST', '/exceptions', {
          repository,
          fingerprint,
          reason: reason || NO_REASON,
          until: hours === null ? null : new Date(Date.now() + hours * 3_600_000).toISOString(),
        })
      : await callApi(c, Declined, 'POST', '/declines', { repository, fingerprint, reason })
  if (result.ok) return c.redirect(returnTo, 303)
  const failedAttempt = { repository, fingerprint, reason, until, problem: result.problem }
  const { pathname, searchParams } = new URL(returnTo, c.req.url)
  const [, push] = /\/pushes\/([0-9a-z]+)$/.exec(pathname) ?? []
  if (push !== undefined) return pushPage(c, push, failedAttempt)
  return pendingPage(c, { after: searchParams.get('after') ?? undefined, failedAttempt })
}

/** `POST /pending/revoke`: revokes an exception. */
export async function revokeException(c: Context<ConsoleEnv>): Promise<Response> {
  const { id } = await c.req.parseBody()
  const path = `/exceptions/${encodeURIComponent(String(id))}`
  const result = await callApi(c, GrantedException, 'DELETE', path)
  return result.ok ? c.redirect(pathOf.pending, 303) : pendingPage(c, { problem: result.problem })
}

/** `POST /pending/undo-decline`: makes a declined finding pending again. */
export async function undoDecline(c: Context<ConsoleEnv>): Promise<Response> {
  const { repository, fingerprint } = await c.req.parseBody()
  const path = `/declines/${encodeURIComponent(String(repository))}/${encodeURIComponent(String(fingerprint))}`
  const result = await callApi(c, z.object({}), 'DELETE', path)
  return result.ok ? c.redirect(pathOf.pending, 303) : pendingPage(c, { problem: result.problem })
}
