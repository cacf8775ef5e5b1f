import { withoutLikelySecrets } from '../../src/contract/unscanned-text.ts'
import type { BadCommandList, CommandList } from '../git/command-list.ts'
import { formatRefusal } from '../git/report-status.ts'
import type { SessionEnd } from '../sessions/session-counts.ts'
import type { PushRecord } from './push-record.ts'
import type { PushWork } from './push-work.ts'
import { type ReadCommands, truncateLine } from './read-commands.ts'
import type { Verdict } from './verdict.ts'

/** Redacts ref names that hold a secret: the reason of a ref names the ref that was refused. */
function withoutSecretRefs(reason: string, { secretRefs }: PushRecord): string {
  let shown = reason
  for (const [ref, redacted] of secretRefs) shown = shown.replaceAll(ref, redacted)
  // A reason is cut at a length, and its ref with it.
  return secretRefs.size > 0 ? withoutLikelySecrets(shown) : shown
}

/** The most refusals that are told in full. The report has the reason of every ref. */
const MAX_TOLD = 50

function formatRefusals(refusals: Verdict['refusals'], record: PushRecord): string[] {
  const lines = refusals.slice(0, MAX_TOLD).flatMap(refusal => {
    const ref = record.secretRefs.get(refusal.ref ?? '') ?? refusal.ref
    return formatRefusal(ref === undefined ? refusal : { ...refusal, ref }).map(truncateLine)
  })
  const rest = refusals.length - MAX_TOLD
  return rest > 0 ? [...lines, `git-gate: and ${rest} more refs, with their reasons below`] : lines
}

/**
 * Records the outcome before the client can read it, and before `ifAccepted`, which cannot change it. The rest
 * of the request is drained first: git reads a response only after it has sent its request.
 */
export async function sendResult(
  { client }: PushWork,
  record: PushRecord,
  { list, reply }: ReadCommands<CommandList | BadCommandList>,
  verdict: Verdict,
  ifAccepted = async () => {},
): Promise<SessionEnd> {
  const lines = formatRefusals(verdict.refusals, record)
  for (const line of lines) record.told.add(line)
  await record.end(verdict)
  await client.body.drain().catch(() => {})
  for (const line of lines) reply.progressLine(line)
  if (verdict.outcome === 'accepted') await ifAccepted()
  const why = `git-gate: ${verdict.refusals[0]?.reason ?? 'nothing was pushed'}`
  // With no ref to report on, the reason goes into the `unpack` line, which git reads first.
  if ('isTooLong' in list && list.isTooLong) reply.fatal('git-gate: nothing was pushed')
  else
    reply.report(
      verdict.refs.length ? 'ok' : why,
      verdict.refs.map(each => ({ ...each, reason: withoutSecretRefs(each.reason, record) })),
    )
  await client.end()
  return { outcome: verdict.outcome, reaped: verdict.reaped, scanned: record.scanned }
}
