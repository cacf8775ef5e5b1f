import type { PushClient } from '../client/push-client.ts'
import { ClientGone } from '../client/request-body.ts'
import type { BadCommandList, CommandList } from '../git/command-list.ts'
import { describeError } from '../process/describe-error.ts'
import { logError } from '../process/log.ts'
import type { SessionEnd } from '../sessions/session-counts.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { requestPullRequest } from './pull-request.ts'
import type { PushWork } from './push-work.ts'
import { absentDeleteWarnings, checkCommands, judgeNoOps, refsOf } from './receive/judge-commands.ts'
import { type PushHead, readCommands } from './receive/read-commands.ts'
import { receivePush } from './receive-push.ts'
import { sendResult } from './send-result.ts'
import {
  abandoned,
  accepted,
  couldNotTake,
  failed,
  pushRefusal,
  refused,
  type Verdict,
  withNoOps,
} from './verdict.ts'

/** Builds the verdict that is decided before the command list is read, on all refs that the list names. */
export type FixedVerdict = (refs: readonly { ref: string }[]) => Verdict

/** Refuses a push for which no session is free. */
export const turnedAway =
  (reason: string): FixedVerdict =>
  refs =>
    refused(refs, [pushRefusal(reason)])

/**
 * Records a refusal and closes the connection without reading the push, because too many refused pushes are
 * being read already. The client gets no reason: git reads a response only after it has sent its request.
 */
export async function cutOff({ state, recorder, client }: PushWork, reason: string): Promise<void> {
  state.move('ended-early')
  await recorder.end(turnedAway(reason)([]))
  client.disconnect()
}

/**
 * Ends an approved push that cannot begin: its objects are not kept any more, or no session is free, as `busy` says.
 * A push that fails is tried again.
 */
export async function endUnstarted({ state, recorder, client }: PushWork, busy?: string): Promise<void> {
  state.move('ended-early')
  const verdict =
    busy === undefined
      ? refused([], [pushRefusal('the gate does not have its objects any more; push again')])
      : failed([], busy)
  for (const { reason } of verdict.refusals) recorder.remoteLines.add(reason)
  await recorder.end(verdict)
  await client.end()
}

/** Runs one push from its first byte to its outcome. */
export async function runPush(work: PushWork, fixed?: FixedVerdict): Promise<SessionEnd> {
  const { pass, client, state, mirror } = work
  try {
    const fixedVerdict = fixed ?? (await prepareMirror(work))
    const head = await readCommands(client, work.recorder)
    if (head === 'probe') return await endProbe(client)
    const judged = fixedVerdict?.(refsOf(head.list)) ?? checkCommands(head.list, pass, mirror.objectFormat)
    if ('outcome' in judged) return await endEarly(work, head, judged)
    const moved = await judgeNoOps(judged, mirror, client.disconnected).catch(failByGate(work, judged))
    if (moved) return await endEarly(work, head, moved)
    for (const line of absentDeleteWarnings(judged)) head.sendProgress(line)
    if (judged.commands.length === 0) return await endEarly(work, head, accepted(judged.noOps))
    const verdict = await receivePush(work, { ...head, list: judged })
    const afterwards = () => requestPullRequest(work, { ...head, list: judged })
    return await sendResult(work, head, withNoOps(verdict, judged.noOps), afterwards)
  } catch (error) {
    if (!(error instanceof ClientGone) || state.current !== 'reading-commands') throw error
    return abandonUnread(work, error)
  }
}

/** Refreshes the mirror unless it is ready. Returns the verdict that fails the push if the refresh fails. */
async function prepareMirror({ mirror, pass, client }: PushWork): Promise<FixedVerdict | undefined> {
  try {
    if (!(await mirror.isReady())) await mirror.refresh(pass.repository, client.disconnected)
    return undefined
  } catch (error) {
    if (error instanceof ClientGone) throw error
    if (error instanceof UpstreamError) return refs => failed(refs, error.message)
    logError(pass.id, error)
    return refs => couldNotTake(refs, describeError(error))
  }
}

/** Returns a handler that fails a push by an error of the gate, such as a mirror that was deleted meanwhile. */
const failByGate =
  ({ pass }: PushWork, list: CommandList) =>
  (error: unknown): Verdict => {
    if (error instanceof ClientGone) throw error
    logError(pass.id, error)
    return couldNotTake(refsOf(list), describeError(error))
  }

async function endProbe(client: PushClient): Promise<SessionEnd> {
  await client.end()
  return { outcome: 'probe' }
}

/** Records a push whose client disconnected before its command list was complete. */
async function abandonUnread({ client, state, recorder }: PushWork, cause: ClientGone): Promise<SessionEnd> {
  state.move('abandoned')
  await recorder.end(abandoned([], cause))
  client.disconnect()
  return { outcome: 'abandoned', disconnectReason: cause.reason }
}

/** Ends a push before git is started, with any outcome. The pack is discarded. */
async function endEarly(
  work: PushWork,
  head: PushHead<CommandList | BadCommandList>,
  verdict: Verdict,
): Promise<SessionEnd> {
  work.state.move('ended-early')
  work.recorder.setRefs(refsOf(head.list))
  return sendResult(work, head, verdict)
}
