import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isReviewRef } from '../../src/contract/names.ts'
import type { PushClient } from '../client/push-client.ts'
import { ClientGone } from '../client/request-body.ts'
import { openUpstreamSession } from '../forward/upstream-session.ts'
import type { BadCommandList, CommandList } from '../git/command-list.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { describeError, logError } from '../process/log.ts'
import { MemoryExhausted } from '../process/memory-budget.ts'
import type { SessionEnd } from '../sessions/session-counts.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { checkAndForward } from './check-and-forward.ts'
import { requestPullRequest } from './pull-request.ts'
import { forwardedOptions } from './push-options.ts'
import { PushRecord } from './push-record.ts'
import type { PushProgress } from './push-state.ts'
import type { PushWork } from './push-work.ts'
import { checkCommands, judgeNoOps, refsOf, warnings } from './receive/early.ts'
import { type ReadCommands, readCommands } from './receive/read-commands.ts'
import { startReceiving } from './receive/receiving.ts'
import { unpackFailure } from './receive/unpack-failure.ts'
import { sendResult } from './send-result.ts'
import { abandoned, couldNotTake, failed, pushRefusal, refused, type Verdict, withNoOps } from './verdict.ts'

/** Verdict that is fixed before the command list is read. It applies to all refs that the list names. */
export type Obstacle = (refs: readonly { ref: string }[]) => Verdict

/** Refuses a push for which no session is free. */
export const turnedAway =
  (reason: string): Obstacle =>
  refs =>
    refused(refs, [pushRefusal(reason)])

/**
 * Records a refusal and closes the connection without reading the push, because too many refused pushes are
 * being read already. The client gets no reason: git reads a response only after it has sent its request.
 */
export async function cutOff(work: PushWork, reason: string): Promise<void> {
  work.progress.move('rejected')
  await new PushRecord({ ...work, sendEvent: work.worker.sendEvent }).end(turnedAway(reason)([]))
  work.client.disconnect()
}

/**
 * Ends an approved push that cannot begin: its objects are not kept any more, or no session is free, as `busy` says.
 * A push that fails is tried again.
 */
export async function endUnstarted(work: PushWork, busy?: string): Promise<void> {
  work.progress.move('rejected')
  const verdict =
    busy === undefined
      ? refused([], [pushRefusal('the gate does not have its objects any more; push again')])
      : failed([], busy)
  const record = new PushRecord({ ...work, sendEvent: work.worker.sendEvent })
  for (const { reason } of verdict.refusals) record.remoteLines.add(reason)
  await record.end(verdict)
  await work.client.end()
}

/** Runs one push from its first byte to its outcome. */
export async function runPush(work: PushWork, turnAway?: Obstacle): Promise<SessionEnd> {
  const { pass, client, progress } = work
  const record = new PushRecord({ ...work, sendEvent: work.worker.sendEvent })
  try {
    const obstacle = turnAway ?? (await prepareMirror(work))
    const read = await readCommands(client, record)
    if (read === 'nothing') return await endEmpty(client)
    const judged = obstacle?.(refsOf(read.list)) ?? checkCommands(read.list, pass, work.mirror.objectFormat)
    if ('outcome' in judged) return await reject(work, record, read, judged)
    const moved = await judgeNoOps(judged, work.mirror, client.disconnected)
    if (moved) return await reject(work, record, read, moved)
    for (const line of warnings(judged)) read.sendProgress(line)
    if (judged.commands.length === 0) {
      const unchanged: Verdict = { outcome: 'accepted', refs: [], refusals: [] }
      return await reject(work, record, read, withNoOps(unchanged, judged.noOps))
    }
    const verdict = await receiveSafely(work, record, { ...read, list: judged })
    const afterwards = () => requestPullRequest(work, record, { ...read, list: judged })
    return await sendResult(work, record, read, withNoOps(verdict, judged.noOps), afterwards)
  } catch (error) {
    if (!(error instanceof ClientGone) || progress.state !== 'reading-commands') throw error
    return abandonUnread(work, record, error)
  }
}

/** Refreshes the mirror unless it is ready. Returns the verdict that fails the push if the refresh fails. */
async function prepareMirror({ mirror, pass, client }: PushWork): Promise<Obstacle | undefined> {
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

async function endEmpty(client: PushClient): Promise<SessionEnd> {
  await client.end()
  return { outcome: 'empty' }
}

/** Records a push whose client disconnected before its command list was complete. */
async function abandonUnread(
  { client, progress }: PushWork,
  record: PushRecord,
  cause: ClientGone,
): Promise<SessionEnd> {
  progress.move('abandoned')
  await record.end(abandoned([], cause))
  client.disconnect()
  return { outcome: 'abandoned', disconnectReason: cause.reason }
}

/** Ends a push early: git is not started, and the pack is discarded. */
async function reject(
  work: PushWork,
  record: PushRecord,
  read: ReadCommands<CommandList | BadCommandList>,
  verdict: Verdict,
): Promise<SessionEnd> {
  work.progress.move('rejected')
  record.name(refsOf(read.list))
  return sendResult(work, record, read, verdict)
}

/** Receives, checks and forwards a push. An error on the gate's side fails the push. */
async function receiveSafely(
  work: PushWork,
  record: PushRecord,
  read: ReadCommands<CommandList>,
): Promise<Verdict> {
  const { pass, progress } = work
  const { commands } = read.list
  const verdict = await record
    .receiving(refsOf(read.list))
    .then(() => receiveWithMemory(work, record, read))
    .catch((error: unknown) => {
      if (error instanceof ClientGone) return abandoned(commands, error)
      if (error instanceof MemoryExhausted) return failed(commands, error.message)
      logError(pass.id, error)
      return couldNotTake(commands, describeError(error))
    })
  conclude(progress, verdict)
  return verdict
}

/** Waits until the memory budget admits the push. The client's body is not read meanwhile. */
async function receiveWithMemory(
  work: PushWork,
  record: PushRecord,
  read: ReadCommands<CommandList>,
): Promise<Verdict> {
  const release = await work.memory.enter(work.client.disconnected, () =>
    read.sendProgress('git-gate: waiting for memory that other sessions use'),
  )
  return receiveCheckForward(work, record, read).finally(release)
}

const conclude = (progress: PushProgress, { outcome }: Verdict) => {
  const end = outcome === 'abandoned' ? 'abandoned' : 'done'
  if (progress.can(end)) progress.move(end)
}

/** Returns whether git updates the mirror's refs after this verdict. */
function answerFor(
  { outcome }: Verdict,
  commands: CommandList['commands'],
  mirror: Mirror,
): 'pass' | 'refuse' {
  if (outcome !== 'accepted') return 'refuse'
  if (!commands.some(({ ref }) => isReviewRef(ref))) return 'pass'
  // Upstream keeps no ref of a proposal. The mirror gets the other refs with the next refresh.
  mirror.expire()
  return 'refuse'
}

/**
 * Streams the pack into git's quarantine, runs the checks when pre-receive asks, forwards the push, and waits
 * for git to exit. A client that disconnects before the forward ends the push. Once the forward has begun,
 * only upstream's answer or the timeout ends it.
 */
async function receiveCheckForward(
  work: PushWork,
  record: PushRecord,
  { list, reader, reply, sendProgress }: ReadCommands<CommandList>,
): Promise<Verdict> {
  const { pass, client, progress, mirror, settings } = work
  const { commands } = list
  const scratch = join(settings.home, 'scratch', pass.id)
  const disconnect = new AbortController()
  const release = await mirror.enter()
  // Upstream lists its refs while the pack is received.
  const pushOptions = forwardedOptions(list.pushOptions)
  const session = openUpstreamSession(work.openReceivePack, commands, pushOptions)
  const abandon = (cause: ClientGone) => {
    if (!progress.can('abandoned')) return
    progress.move('abandoned')
    disconnect.abort(cause)
    receiving?.abandon()
  }
  const closed = () => abandon(new ClientGone('vanished'))
  let receiving: ReturnType<typeof startReceiving> | undefined
  try {
    receiving = startReceiving({ ...work, agent: pass.agent, list, reader, reply, abandon })
    client.disconnected.addEventListener('abort', closed)
    if (client.disconnected.aborted) closed()
    const hookRequest = await receiving.handedOver
    if (hookRequest && progress.can('checking')) progress.move('checking')
    const gitOver = receiving.over
    const verdict =
      hookRequest &&
      (await checkAndForward(work, {
        hookRequest,
        list,
        record,
        sendProgress,
        scratch,
        disconnected: disconnect.signal,
        gitOver,
        session,
      }))
    if (verdict) {
      conclude(progress, verdict)
      receiving.answer(answerFor(verdict, commands, mirror))
    }
    const took = receiving
    const ended = await mirror.refs.change(() => took.end())
    if (verdict) return verdict
    return disconnect.signal.aborted
      ? abandoned(commands, disconnect.signal.reason)
      : unpackFailure(ended, commands, settings)
  } finally {
    client.disconnected.removeEventListener('abort', closed)
    session.abort()
    const { isTidy, quarantines } = receiving
      ? await mirror.refs.change(receiving.dispose)
      : { isTidy: false, quarantines: [] }
    // The mirror is cleaned up only when no push uses it, which can take long. The files known to belong to
    // this push are deleted now.
    for (const folder of [scratch, ...quarantines])
      await rm(folder, { recursive: true, force: true }).catch((error: unknown) => logError(pass.id, error))
    release(!isTidy)
  }
}
