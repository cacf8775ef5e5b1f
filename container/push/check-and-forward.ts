import { mkdir } from 'node:fs/promises'
import { disputedFindings, GateFault, type IncomingPush, shareReaders } from '../checks/index.ts'
import { ClientGone } from '../client/request-body.ts'
import { type Forward, startForward } from '../forward/forward.ts'
import { refuseSymbolicRefs } from '../forward/refuse-symbolic-refs.ts'
import type { UpstreamSession } from '../forward/upstream-session.ts'
import { type CommandList, isVoidDelete } from '../git/command-list.ts'
import { reasonForGit } from '../git/report-status.ts'
import { describeError } from '../process/describe-error.ts'
import { logError } from '../process/log.ts'
import { startTimeOf } from '../process/spawn.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { judgeApproval } from './approval.ts'
import { judgePermission } from './permission.ts'
import { forwardedOptions } from './push-options.ts'
import type { PushWork } from './push-work.ts'
import type { HookRequest } from './receive/pre-receive-channel.ts'
import { quarantineFolder, quarantineOf, refuseUnfit } from './receive/quarantine.ts'
import { abandoned, couldNotCheck, failed, pushRefusal, refused, type Verdict } from './verdict.ts'

/** A push whose objects git holds in quarantine while the pre-receive hook waits for a verdict. */
export interface Quarantined {
  readonly hookRequest: HookRequest
  readonly list: CommandList
  /** Sends the client a progress line of the gate and adds it to the push's record. */
  readonly sendProgress: (line: string) => void
  /** Sends the client a line as it is, and adds it to the push's record. */
  readonly sendLine: (line: string) => void
  /** Temporary folder that only this push uses. */
  readonly scratch: string
  /** Aborts with a ClientGone when the client disconnects before the forward begins. */
  readonly disconnected: AbortSignal
  /** The session with upstream, which was opened while the pack was received. */
  readonly session: UpstreamSession
  /** Resolves when receive-pack, which updates the mirror's refs, has exited. */
  readonly gitExited: Promise<void>
}

/**
 * Runs the checks, asks the ledger for permission, and forwards the push. Errors on the gate's side become a
 * verdict that fails the push and gives the reason.
 */
export async function checkAndForward(work: PushWork, quarantined: Quarantined): Promise<Verdict> {
  const { commands } = quarantined.list
  const { disconnected } = quarantined
  try {
    disconnected.throwIfAborted()
    const verdict = await judgeAndForward(work, quarantined, disconnected)
    // A push that waits for an approval is held already.
    if (verdict.outcome === 'refused' && !(await work.services.held.find(work.pass.id)))
      await holdObjects(work, quarantined, false).catch((error: unknown) => logError(work.pass.id, error))
    return verdict
  } catch (error) {
    if (disconnected.aborted)
      return abandoned(
        commands,
        disconnected.reason instanceof ClientGone ? disconnected.reason : new ClientGone('disconnected'),
      )
    if (error instanceof UpstreamError) return failed(commands, error.message)
    if (error instanceof GateFault) return couldNotCheck(commands, error.message)
    logError(work.pass.id, error)
    return couldNotCheck(commands, describeError(error))
  }
}

async function judgeAndForward(
  work: PushWork,
  quarantined: Quarantined,
  signal: AbortSignal,
): Promise<Verdict> {
  const { pass, mirror, recorder, linkTo } = work
  const { settings } = work.services
  const { hookRequest, list, sendProgress, sendLine, scratch } = quarantined
  const { commands } = list
  const unfit = refuseUnfit(hookRequest, [...commands, ...list.noOps.filter(each => !isVoidDelete(each))])
  if (unfit) return unfit
  const git = mirror.git.withEnv(quarantineOf(hookRequest, mirror, commands))
  await using _ = shareReaders(git)
  await mkdir(scratch, { recursive: true, mode: 0o700 })
  sendProgress('checking')
  const { pushOptions } = list
  const push: IncomingPush = { commands, pushOptions, pass, git, scratch, record: recorder }
  const forward = startForward({
    git,
    linkTo,
    upstream: pass.repository,
    session: quarantined.session,
    commands,
    sendLine,
    pushOptions: forwardedOptions(pushOptions),
    deadlineMs: settings.forwardMs,
  })
  const stopPreparing = new AbortController()
  const prepared = prepareChecks(work, push, AbortSignal.any([signal, stopPreparing.signal]))
  try {
    const checkRefusal = await runChecks(work, push, sendProgress, signal)
    // The exceptions of an approved push are granted already, or were revoked since.
    const isDisputed = checkRefusal !== undefined && !pass.approved && disputedFindings(push) !== undefined
    const refusal = (isDisputed ? undefined : checkRefusal) ?? (await prepared.symbolicRefRefusal)
    if (refusal) return refusal
    await excludeRefs(work, quarantined)
    const stopped = await withDeadline('the question to the ledger', settings.checkMs, signal, stop =>
      judgeByLedger(work, push, quarantined, isDisputed, stop),
    )
    if (stopped) return stopped
    quarantined.disconnected.throwIfAborted()
    await recorder.beginStep('forwarding', 'forwarding')
    sendProgress(`checked, forwarding to ${pass.repository.name}'s upstream`)
    return await send(forward, work, quarantined)
  } finally {
    stopPreparing.abort()
    forward.abort()
    await prepared.ended
  }
}

/** Keeps the objects of a refused push: for an approval, or only for its diff. Returns false if there is no room. */
function holdObjects(
  { services, mirror, pass, recorder }: PushWork,
  { hookRequest, list }: Quarantined,
  isWaiting: boolean,
): Promise<boolean> {
  const { commands, pushOptions } = list
  const push = {
    id: pass.id,
    repository: pass.repository.name,
    agent: pass.agent,
    isWaiting,
    mask: recorder.diffMask,
    commands: isWaiting ? [...commands] : [],
    pushOptions: isWaiting ? [...pushOptions] : [],
  }
  return services.held.keep(push, quarantineFolder(hookRequest, mirror, commands))
}

/**
 * Starts the slow work that does not depend on earlier checks: each check's `prepare`, and the query for
 * symbolic refs.
 */
function prepareChecks(
  { services: { checks, settings }, mirror, linkTo, pass }: PushWork,
  push: IncomingPush,
  signal: AbortSignal,
) {
  const { commands, git } = push
  const upstream = pass.repository
  const symbolicRefRefusal = linkTo()
    .then(link =>
      withDeadline('the query for symbolic refs', settings.checkMs, signal, stop =>
        refuseSymbolicRefs({ git, mirror, link, upstream, signal: stop }, commands),
      ),
    )
    .then(refusals => (refusals.length ? refused(commands, refusals) : undefined))
  const running = [...checks.map(check => check.prepare?.(push, signal)), symbolicRefRefusal.catch(() => {})]
  return { symbolicRefRefusal, ended: Promise.all(running) }
}

async function runChecks(
  { services: { checks, settings }, recorder }: PushWork,
  push: IncomingPush,
  sendProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  for (const check of checks) {
    await recorder.beginStep('checking', check.name)
    const run = (stop: AbortSignal) => check.run(push, sendProgress, stop)
    const refusals = await (check.boundsItself
      ? run(signal)
      : withDeadline(`the check ${check.name}`, settings.checkMs, signal, run))
    signal.throwIfAborted()
    if (refusals.length) return refused(push.commands, refusals)
  }
  return undefined
}

/** Runs work with a deadline. Throws a GateFault that names the work when the deadline ends it. */
async function withDeadline<T>(
  task: string,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(ms)
  try {
    return await work(AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error
    throw new GateFault(`${task} did not end within ${ms / 1000} s`, { cause: error })
  }
}

/**
 * Keeps a mirror refresh from updating the pushed refs before receive-pack does: receive-pack would then fail
 * on its old values.
 */
async function excludeRefs(
  { mirror }: PushWork,
  { list, disconnected, gitExited, sendProgress }: Quarantined,
): Promise<void> {
  const release = await mirror.excludeRefs(
    list.commands.map(c => c.ref),
    disconnected,
    () => sendProgress('waiting for a refresh of the mirror'),
  )
  gitExited.then(release)
}

/**
 * Asks the ledger for permission after all checks, then for approvals: the checks can take minutes, and the grant can
 * change meanwhile. Returns the verdict that stops the push, or undefined.
 */
async function judgeByLedger(
  work: PushWork,
  push: IncomingPush,
  quarantined: Quarantined,
  isDisputed: boolean,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const permission = await work.worker.askPermission(signal)
  const revoked = await judgePermission(permission, push, quarantined.list, work.services.checks, signal)
  if (revoked || permission.decision !== 'forward') return revoked
  const hold = () => holdObjects(work, quarantined, true)
  return judgeApproval(work, { push, permission, isDisputed, hold, signal })
}

async function send(
  forward: Forward,
  { pass, mirror, recorder }: PushWork,
  { list: { commands }, sendProgress }: Quarantined,
): Promise<Verdict> {
  let journaled: Promise<void> | undefined
  const onStart = (pid: number) => {
    // From here on only upstream decides the outcome, so a failed journal write must not stop the push.
    journaled = recorder.addForward(pid, startTimeOf(pid)).catch(error => logError(pass.id, error))
  }
  const result = await forward.send(onStart)
  await journaled
  recorder.upstreamOutput = result.upstreamOutput
  if (result.outcome === 'accepted')
    sendProgress(`upstream has ${result.wasApplied ? 'this already' : 'accepted the push'}`)
  // Where upstream has moved, the agent's next fetch must see it.
  if (result.outcome === 'refused') mirror.expire()
  if (result.outcome === 'failed') return failed(commands, result.reason)
  const refs = result.refs.map(ref =>
    ref.status === 'ng' ? { ...ref, reason: reasonForGit(ref.reason) } : ref,
  )
  return {
    outcome: result.outcome,
    refs,
    refusals: result.outcome === 'refused' ? [pushRefusal(result.reason, result.remedy)] : [],
  }
}
