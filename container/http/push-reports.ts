import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { LostRefs, type PushReport } from '../../src/contract/outcome.ts'
import { bodyText, json, text } from '../client/respond.ts'
import type { Companion } from '../companion.ts'
import { queryOrUnknown } from '../forward/query-upstream.ts'
import { describePush } from '../push/diff/describe-push.ts'
import { emptyReport } from '../push/record/push-recorder.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'

/**
 * Returns the report of a push when it ends, or its current report after `wait` seconds. Returns undefined
 * for a push that the companion does not know.
 */
export async function getPushReport(
  { sessions, journal }: Companion,
  { push, wait }: Pick<PassFor<'push-report'>, 'push' | 'wait'>,
): Promise<PushReport | undefined> {
  const entry = await journal.read(push)
  if (entry && entry.report.outcome !== 'open') return entry.report
  await sessions.ended(push, wait * 1000)
  const isHere = [...sessions.all].some(({ id }) => id === push)
  // A push whose command list has not been read is not in the journal yet.
  return (await journal.read(push))?.report ?? (isHere ? emptyReport(push) : undefined)
}

/**
 * Responds with the report of a push, or with the state of its refs at upstream. Responds with 503 if
 * upstream does not answer.
 */
export async function recoverOutcome(
  companion: Companion,
  pass: PassFor<'recover-outcome'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const report = await getPushReport(companion, { push: pass.push, wait: 0 })
  if (report) return json(response, 200, { report })
  const refs = LostRefs.parse(JSON.parse((await bodyText(request, 8 << 20)) ?? ''))
  const upstreamState = await queryOrUnknown(pass.repository, refs, companion)
  if (upstreamState === 'unknown') return text(response, 503, 'the upstream does not answer')
  json(response, 200, { upstreamState })
}

/** Responds with the commits and the diff of a push, or with 503 if they cannot be read at the moment. */
export async function sendPushDiff(
  { mirrors, held }: Companion,
  pass: PassFor<'push-diff'>,
  response: ServerResponse,
): Promise<void> {
  try {
    const push = await held.find(pass.push)
    json(response, 200, await describePush(mirrors.get(pass.repository), push, pass))
  } catch (error) {
    if (error instanceof UpstreamError) return text(response, 503, error.message)
    if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error
    text(response, 503, 'the companion needs longer to read the push, or to fetch the repository; try again')
  }
}
