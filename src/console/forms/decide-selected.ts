import type { Context } from 'hono'
import { z } from 'zod'
import { DecisionResult } from '../../contract/admin-api/findings.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { FindingDecision, reasonOr, untilOf } from '../findings/finding-decision.ts'
import { parseSelection } from '../findings/selection.ts'
import { pendingPage, toPageQuery } from '../pages/review/pending-findings.tsx'
import { isOwnPath } from '../paths.ts'
import { type ApiProblem, callApi } from './call-api.ts'

const Selection = FindingDecision.extend({
  finding: z
    .union([z.string().transform(value => [value]), z.array(z.string())])
    .default([])
    .pipe(z.array(z.string().max(1_000)).max(200)),
  returnTo: z.string().refine(isOwnPath),
})

const NOTHING_SELECTED: ApiProblem = {
  code: 'bad-request',
  message: 'no finding is selected, so nothing was decided',
  fix: 'Select findings by their check boxes.',
}

/** `POST /pending/decide-selected`: one decision with one reason for the selected findings. */
export async function decideSelected(c: Context<ConsoleEnv>): Promise<Response> {
  const parsed = Selection.safeParse(await c.req.parseBody({ all: true }))
  if (!parsed.success)
    return c.text('The form is incomplete. Reload the page, and submit the form again.', 400)
  const { decision, finding: selected, reason, until, returnTo } = parsed.data
  const problem = await decide(c, parsed.data)
  if (!problem) return c.redirect(returnTo, 303)
  const { searchParams } = new URL(returnTo, c.req.url)
  const failedSelection = { selected, reason, until, problem, decision }
  return pendingPage(c, { ...toPageQuery(Object.fromEntries(searchParams)), failedSelection })
}

/** The API decides for one repository at a time. Returns the first problem; earlier repositories are decided. */
async function decide(
  c: Context<ConsoleEnv>,
  { decision, finding, reason, until }: z.infer<typeof Selection>,
): Promise<ApiProblem | undefined> {
  const selection = parseSelection(finding)
  if (selection.size === 0) return NOTHING_SELECTED
  for (const [repository, fingerprints] of selection) {
    const result = await callApi(c, DecisionResult, 'POST', '/decisions', {
      repository,
      decision,
      reason: reasonOr(reason),
      until: untilOf(until),
      select: { fingerprints },
    })
    if (!result.ok) return result.problem
  }
  return undefined
}
