import type { Context } from 'hono'
import { z } from 'zod'
import { Declined, GrantedException } from '../../contract/api.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { UNTIL } from '../components/finding-card.tsx'
import { waitingPage } from '../pages/pending-findings.tsx'
import { pushPage } from '../pages/push.tsx'
import { isOwnPath, pathOf } from '../paths.ts'
import { askApi } from './call-api.ts'

/** What an exception's reason says where the operator gave none: the record shows who and when anyway. */
const NO_REASON = 'allowed in the console, no reason given'

const Decision = z.object({
  decision: z.enum(['allow', 'decline']),
  repository: z.string(),
  fingerprint: z.string(),
  reason: z.string().trim(),
  until: z.enum(['day', 'week', 'month', 'ever']),
  back: z.string().refine(isOwnPath),
})

/** `POST /waiting/decide`: one that is refused is answered with the page it was made on, as it was filled in. */
export async function decide(c: Context<ConsoleEnv>): Promise<Response> {
  const read = Decision.safeParse(await c.req.parseBody())
  if (!read.success) return c.text('This form is incomplete. Open the page anew and send it again.', 400)
  const { decision, repository, fingerprint, reason, until, back } = read.data
  const { hours } = UNTIL[until]
  const done =
    decision === 'allow'
      ? await askApi(c, GrantedException, 'POST', '/exceptions', {
          repository,
          fingerprint,
          reason: reason || NO_REASON,
          until: hours === null ? null : new Date(Date.now() + hours * 3_600_000).toISOString(),
        })
      : await askApi(c, Declined, 'POST', '/declines', { repository, fingerprint, reason })
  if (done.ok) return c.redirect(back, 303)
  const tried = { repository, fingerprint, reason, until, refused: done.refused }
  const { pathname, searchParams } = new URL(back, c.req.url)
  const [, push] = /\/pushes\/([0-9a-z]+)$/.exec(pathname) ?? []
  if (push !== undefined) return pushPage(c, push, tried)
  return waitingPage(c, { after: searchParams.get('after') ?? undefined, tried })
}

/** `POST /waiting/revoke`: an exception ends. */
export async function revokeException(c: Context<ConsoleEnv>): Promise<Response> {
  const { id } = await c.req.parseBody()
  const done = await askApi(c, GrantedException, 'DELETE', `/exceptions/${encodeURIComponent(String(id))}`)
  return done.ok ? c.redirect(pathOf.waiting, 303) : waitingPage(c, { refused: done.refused })
}

/** `POST /waiting/take-back`: a declined finding waits again. */
export async function takeBack(c: Context<ConsoleEnv>): Promise<Response> {
  const { repository, fingerprint } = await c.req.parseBody()
  const path = `/declines/${encodeURIComponent(String(repository))}/${encodeURIComponent(String(fingerprint))}`
  const done = await askApi(c, z.object({}), 'DELETE', path)
  return done.ok ? c.redirect(pathOf.waiting, 303) : waitingPage(c, { refused: done.refused })
}
