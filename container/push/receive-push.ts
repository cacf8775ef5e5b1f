import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isReviewRef } from '../../src/contract/names.ts'
import { ClientGone } from '../client/request-body.ts'
import { openUpstreamSession, type UpstreamSession } from '../forward/upstream-session.ts'
import type { CommandList } from '../git/command-list.ts'
import { describeError } from '../process/describe-error.ts'
import { logError } from '../process/log.ts'
import { MemoryExhausted } from '../process/memory-budget.ts'
import { checkAndForward } from './check-and-forward.ts'
import { forwardedOptions } from './push-options.ts'
import type { PushStateMachine } from './push-state.ts'
import type { PushWork } from './push-work.ts'
import { refsOf } from './receive/judge-commands.ts'
import type { PushHead } from './receive/read-commands.ts'
import { type Receiving, startReceiving } from './receive/receiving.ts'
import { unpackFailure } from './receive/unpack-failure.ts'
import { abandoned, couldNotTake, failed, type Verdict } from './verdict.ts'

/** Receives, checks and forwards a push. An error on the gate's side fails the push. */
export async function receivePush(work: PushWork, head: PushHead<CommandList>): Promise<Verdict> {
  const { pass, state, recorder } = work
  const { commands } = head.list
  const verdict = await recorder
    .beginReceiving(refsOf(head.list))
    .then(() => receiveWithMemory(work, head))
    .catch((error: unknown) => {
      if (error instanceof ClientGone) return abandoned(commands, error)
      if (error instanceof MemoryExhausted) return failed(commands, error.message)
      logError(pass.id, error)
      return couldNotTake(commands, describeError(error))
    })
  conclude(state, verdict)
  return verdict
}

const conclude = (state: PushStateMachine, { outcome }: Verdict) => {
  const end = outcome === 'abandoned' ? 'abandoned' : 'done'
  if (state.can(end)) state.move(end)
}

/** Waits until the memory budget admits the push. The client's body is not read meanwhile. */
async function receiveWithMemory(work: PushWork, head: PushHead<CommandList>): Promise<Verdict> {
  const release = await work.services.memory.enter(work.client.disconnected, () =>
    head.sendProgress('waiting for memory that other sessions use'),
  )
  return receiveInMirror(work, head).finally(release)
}

/**
 * Streams the pack into git's quarantine, and judges the push there. A client that disconnects before the forward
 * ends the push. Once the forward has begun, only upstream's answer or the timeout ends it.
 */
async function receiveInMirror(work: PushWork, head: PushHead<CommandList>): Promise<Verdict> {
  const { services, pass, client, mirror, state } = work
  const { settings } = services
  const { list, reader, reply } = head
  const scratch = join(settings.home, 'scratch', pass.id)
  const leaveMirror = await mirror.enter()
  // Upstream lists its refs while the pack is received.
  const session = openUpstreamSession(work.openReceivePack, list.commands, forwardedOptions(list.pushOptions))
  let receiving: Receiving | undefined
  try {
    using presence = watchClient(work)
    const { agent } = pass
    receiving = startReceiving({ agent, client, presence, mirror, list, reader, reply, state, settings })
    const disconnected = presence.signal
    return await judgeReceived(work, head, receiving, { session, scratch, disconnected })
  } finally {
    session.abort()
    leaveMirror(await removeLeftovers(work, receiving, scratch))
  }
}

/**
 * Moves the push to `abandoned` when its client disconnects, or when `abandon` says that it was idle for too long. Does
 * nothing once the forward has begun. The signal aborts with the ClientGone.
 */
function watchClient({ client, state }: Pick<PushWork, 'client' | 'state'>) {
  const controller = new AbortController()
  const abandon = (cause: ClientGone) => {
    if (!state.can('abandoned')) return
    state.move('abandoned')
    controller.abort(cause)
  }
  const closed = () => abandon(new ClientGone('disconnected'))
  client.disconnected.addEventListener('abort', closed)
  if (client.disconnected.aborted) closed()
  return {
    signal: controller.signal,
    abandon,
    [Symbol.dispose]: () => client.disconnected.removeEventListener('abort', closed),
  }
}

/** Runs the checks when pre-receive asks, forwards the push, answers the hook, and waits for git to exit. */
async function judgeReceived(
  work: PushWork,
  { list, sendProgress, sendLine }: PushHead<CommandList>,
  receiving: Receiving,
  inQuarantine: { session: UpstreamSession; scratch: string; disconnected: AbortSignal },
): Promise<Verdict> {
  const { services, mirror, state } = work
  const { commands } = list
  const { disconnected } = inQuarantine
  const hookRequest = await receiving.hookRequest
  if (!hookRequest) {
    const ended = await mirror.refs.change(() => receiving.end())
    return disconnected.aborted
      ? abandoned(commands, disconnected.reason)
      : unpackFailure(ended, commands, services.settings)
  }
  if (state.can('checking')) state.move('checking')
  const gitExited = receiving.gitExited
  const verdict = await checkAndForward(work, {
    ...inQuarantine,
    hookRequest,
    list,
    sendProgress,
    sendLine,
    gitExited,
  })
  conclude(state, verdict)
  const answer = hookAnswer(verdict, commands)
  // The mirror gets the other refs of an accepted proposal with the next refresh.
  if (verdict.outcome === 'accepted' && answer === 'refuse') mirror.expire()
  receiving.answer(answer)
  await mirror.refs.change(() => receiving.end())
  return verdict
}

/** Returns whether git updates the mirror's refs after this verdict. Upstream keeps no ref of a proposal. */
const hookAnswer = ({ outcome }: Verdict, commands: CommandList['commands']): 'accept' | 'refuse' =>
  outcome === 'accepted' && !commands.some(({ ref }) => isReviewRef(ref)) ? 'accept' : 'refuse'

/**
 * Ends git if it still runs, and deletes the files known to belong to this push: the mirror is cleaned up only when no
 * push uses it, which can take long. Returns whether git may have left further files.
 */
async function removeLeftovers(
  { mirror, pass }: PushWork,
  receiving: Receiving | undefined,
  scratch: string,
): Promise<boolean> {
  const { isTidy, quarantines } = receiving
    ? await mirror.refs.change(receiving.dispose)
    : { isTidy: false, quarantines: [] }
  for (const folder of [scratch, ...quarantines])
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) => logError(pass.id, error))
  return !isTidy
}
