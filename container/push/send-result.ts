import type { BadCommandList, CommandList } from '../git/command-list.ts'
import { formatRefusal, gateLine, reasonForGit } from '../git/report-status.ts'
import type { SessionEnd } from '../sessions/session-counts.ts'
import type { PushWork } from './push-work.ts'
import { type PushHead, truncateLine } from './receive/read-commands.ts'
import type { PushRecorder } from './record/push-recorder.ts'
import type { Verdict } from './verdict.ts'

/** The most refusals that are shown in full. The report has the reason of every ref. */
const MAX_SHOWN = 50

function formatRefusals(refusals: Verdict['refusals'], recorder: PushRecorder): string[] {
  const lines = refusals.slice(0, MAX_SHOWN).flatMap(refusal => {
    const ref = recorder.secretRefs.get(refusal.ref ?? '') ?? refusal.ref
    return formatRefusal(ref === undefined ? refusal : { ...refusal, ref }).map(truncateLine)
  })
  const rest = refusals.length - MAX_SHOWN
  return rest > 0 ? [...lines, gateLine(`and ${rest} more refs, with their reasons below`)] : lines
}

/**
 * Records the outcome before the client can read it, and before `ifAccepted`, which cannot change it. The rest
 * of the request is drained first: git reads a response only after it has sent its request.
 */
export async function sendResult(
  { client, recorder }: PushWork,
  { list, reply }: PushHead<CommandList | BadCommandList>,
  verdict: Verdict,
  ifAccepted = async () => {},
): Promise<SessionEnd> {
  const lines = formatRefusals(verdict.refusals, recorder)
  for (const line of lines) recorder.remoteLines.add(line)
  await recorder.end(verdict)
  await client.body.drain().catch(() => {})
  for (const line of lines) reply.progressLine(line)
  if (verdict.outcome === 'accepted') await ifAccepted()
  const reason = reasonForGit(verdict.refusals[0]?.reason ?? 'nothing was pushed')
  // With no ref to report on, the reason goes into the `unpack` line, which git reads first.
  if ('isTooLong' in list && list.isTooLong) reply.fatal(reasonForGit('nothing was pushed'))
  else
    reply.report(
      verdict.refs.length ? 'ok' : reason,
      verdict.refs.map(each => ({ ...each, reason: recorder.withoutSecretRefs(each.reason) })),
    )
  await client.end()
  return { outcome: verdict.outcome, disconnectReason: verdict.disconnectReason, scanned: recorder.scanned }
}
