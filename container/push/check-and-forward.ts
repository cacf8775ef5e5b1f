import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { GateFault, type IncomingPush } from '../checks/index.ts'
import { ClientGone } from '../client/request-body.ts'
import { type Forward, startForward } from '../forward/forward.ts'
import { refuseSymbolicRefs } from '../forward/refuse-symbolic-refs.ts'
import { type Command, type CommandList, isDelete } from '../git/command-list.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { describeError, logError } from '../process/log.ts'
import { startTimeOf } from '../process/spawn.ts'
import { UpstreamError } from '../upstream/ssh-link.ts'
import { judgePermission } from './permission.ts'
import type { HookRequest } from './pre-receive-channel.ts'
import type { PushRecord } from './push-record.ts'
import type { PushWork } from './push-work.ts'
import { abandoned, couldNotCheck, failed, pushRefusal, refused, type Verdict } from './verdict.ts'

/** A push that git has in quarantine. */
export interface Quarantined {
  readonly hookRequest: HookRequest
  readonly list: CommandList
  readonly record: PushRecord
  /** Tells the agent a line, and keeps it on record. */
  readonly say: (line: string) => void
  /** A folder of this push's own. */
  readonly scratch: string
  /** Aborts when the client goes away before the forward, with its ClientGone. */
  readonly gone: AbortSignal
  /** Resolves when git, which moves the refs in the mirror, has ended. */
  readonly gitOver: Promise<void>
}

/**
 * The checks, the ledger's permission, the forward. An error on the gate's side refuses the push and says so.
 */
export async function checkAndForward(work: PushWork, quarantined: Quarantined): Promise<Verdict> {
  const { commands } = quarantined.list
  const { gone } = quarantined
  const { scanMs } = work.settings
  const deadline = AbortSignal.timeout(scanMs)
  try {
    gone.throwIfAborted()
    return await inSteps(work, quarantined, AbortSignal.any([gone, deadline]))
  } catch (error) {
    if (gone.aborted)
      return abandoned(commands, gone.reason instanceof ClientGone ? gone.reason : new ClientGone('vanished'))
    if (deadline.aborted) return couldNotCheck(commands, `the checks did not end within ${scanMs / 1000} s`)
    if (error instanceof UpstreamError) return failed(commands, error.message)
    if (error instanceof GateFault) return couldNotCheck(commands, error.message)
    logError(work.pass.id, error)
    return couldNotCheck(commands, describeError(error))
  }
}

async function inSteps(work: PushWork, quarantined: Quarantined, signal: AbortSignal): Promise<Verdict> {
  const { pass, mirror, settings, linkTo } = work
  const { hookRequest: asked, list, record, say, scratch } = quarantined
  const { commands } = list
  const unfit = refuseUnfit(asked, commands)
  if (unfit) return unfit
  const git = mirror.git.withEnv(quarantineOf(asked, mirror, commands))
  await mkdir(scratch, { recursive: true, mode: 0o700 })
  say('git-gate: checking')
  const push: IncomingPush = { commands, pass, git, scratch, record }
  const forward = startForward(git, linkTo, pass.repository, list, say, settings.forwardMs)
  const over = new AbortController()
  const early = beginEarly(work, push, AbortSignal.any([signal, over.signal]))
  try {
    const refusal = (await runChecks(work, push, quarantined, signal)) ?? (await early.aliases)
    if (refusal) return refusal
    await holdRefs(work, quarantined)
    const revoked = await askPermission(work, push, list, signal)
    if (revoked) return revoked
    quarantined.gone.throwIfAborted()
    await record.step('forwarding', 'forwarding')
    say(`git-gate: checked, forwarding to ${pass.repository.name}'s upstream`)
    return await send(forward, pass.id, quarantined)
  } finally {
    over.abort()
    forward.drop()
    await early.ended
  }
}

/** Git leaves out a ref whose objects are missing. */
function refuseUnfit(asked: HookRequest, commands: readonly Command[]): Verdict | undefined {
  const expectedLines = commands.map(c => `${c.old} ${c.new} ${c.ref}`)
  if (asked.lines.length === expectedLines.length && expectedLines.every(line => asked.lines.includes(line)))
    return undefined
  return refused(commands, [
    pushRefusal('git found a ref of this push unfit: its objects are missing', [
      'git fetch origin, then push again',
    ]),
  ])
}

/** Begins what takes long and needs nothing of the checks before it. */
function beginEarly({ checks, mirror, linkTo, pass }: PushWork, push: IncomingPush, signal: AbortSignal) {
  const { commands, git } = push
  const aliases = linkTo()
    .then(link => refuseSymbolicRefs({ git, mirror, link, upstream: pass.repository, signal }, commands))
    .then(refusals => (refusals.length ? refused(commands, refusals) : undefined))
  const begun = [...checks.map(check => check.prepare?.(push, signal)), aliases.catch(() => {})]
  return { aliases, ended: Promise.all(begun) }
}

async function runChecks(
  { checks }: PushWork,
  push: IncomingPush,
  { record, say }: Quarantined,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  for (const check of checks) {
    await record.step('checking', check.name)
    const refusals = await check.run(push, line => say(`git-gate: ${line}`), signal)
    signal.throwIfAborted()
    if (refusals.length) return refused(push.commands, refusals)
  }
  return undefined
}

/** Keeps refreshes away from the refs until git has moved them: a refresh in between would move them first. */
async function holdRefs({ mirror }: PushWork, { list, gone, gitOver }: Quarantined): Promise<void> {
  const release = await mirror.holdRefs(
    list.commands.map(c => c.ref),
    gone,
  )
  gitOver.then(release)
}

/** Asks the ledger again, last of all: the checks may have taken minutes. */
async function askPermission(
  { worker, checks }: PushWork,
  push: IncomingPush,
  list: CommandList,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const permission = await worker.askPermission(signal)
  return judgePermission(permission, push, list, checks, signal)
}

/** Git's variables that show the quarantine (git-receive-pack(1)); a push that only deletes has none. */
function quarantineOf(
  asked: HookRequest,
  mirror: Mirror,
  commands: readonly Command[],
): Record<string, string> {
  if (asked.objectDirectory === '' && commands.every(isDelete)) return {}
  const quarantine = resolve(mirror.git.dir, asked.objectDirectory)
  if (dirname(quarantine) !== join(mirror.git.dir, 'objects'))
    throw new GateFault('its quarantine is not where git puts it')
  return { GIT_OBJECT_DIRECTORY: quarantine, GIT_ALTERNATE_OBJECT_DIRECTORIES: asked.alternates }
}

async function send(
  forward: Forward,
  push: string,
  { list: { commands }, record, say }: Quarantined,
): Promise<Verdict> {
  let journaled: Promise<void> | undefined
  const onStart = (pid: number) => {
    // Upstream decides from here on, whether or not this can be written down.
    journaled = record.forwardStarted(pid, startTimeOf(pid)).catch(error => logError(push, error))
  }
  const result = await forward.send(onStart)
  await journaled
  record.upstreamSaid = result.upstreamSaid
  if (result.outcome === 'accepted') say('git-gate: upstream has accepted the push')
  if (result.outcome === 'failed') return failed(commands, result.why)
  const refs = result.refs.map(ref =>
    ref.status === 'ng' ? { ...ref, reason: `git-gate: ${ref.reason}` } : ref,
  )
  return {
    outcome: result.outcome,
    refs,
    refusals: result.outcome === 'refused' ? [pushRefusal(result.why)] : [],
  }
}
