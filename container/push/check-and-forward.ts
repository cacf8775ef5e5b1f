import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { GateFault } from '../checks/index.ts'
import { type Forward, prepareForward } from '../forward/forward.ts'
import { refuseAliases } from '../forward/refuse-symbolic-refs.ts'
import { ClientGone } from '../http/request-body.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { faultOf, GATES_FAULT, logFault } from '../process/log.ts'
import { startTimeOf } from '../process/spawn.ts'
import { UpstreamError } from '../upstream/ssh-link.ts'
import { type Command, isDelete } from './command-list.ts'
import type { HookRequest } from './pre-receive-channel.ts'
import { abandoned, failed, refused, type Verdict, wholePush } from './push-record.ts'
import type { Pushing, Received } from './receive-through-git.ts'

/**
 * The checks, then the forward. What goes wrong on the gate's side refuses the push and says so. Refs that went to
 * upstream are held until git, which moves them in the mirror, has `ended`: a refresh that came between would be there
 * first.
 */
export async function judge(
  asked: HookRequest,
  pushing: Pushing,
  { list, record, say }: Received,
  scratch: string,
  gone: AbortSignal,
  ended: Promise<unknown>,
): Promise<Verdict> {
  const { pass, session, mirror, settings, checks, linkTo } = pushing
  const { commands } = list
  const git = mirror.git.with(quarantineOf(asked, mirror, commands))
  const deadline = AbortSignal.timeout(settings.scanMs)
  const signal = AbortSignal.any([gone, deadline])
  const over = new AbortController()
  const begun: (Promise<void> | undefined)[] = []
  let forward: Forward | undefined
  try {
    gone.throwIfAborted()
    const agreed = commands.map(c => `${c.old} ${c.new} ${c.ref}`)
    if (asked.lines.length !== agreed.length || agreed.some(line => !asked.lines.includes(line)))
      return refused(commands, [
        wholePush('git found a ref of this push unfit: its objects are missing', [
          'git fetch origin, then push again',
        ]),
      ])
    session.phase = 'checking'
    await mkdir(scratch, { recursive: true, mode: 0o700 })
    say('git-gate: checking')
    forward = prepareForward(git, linkTo, pass.repository, list, say, settings.forwardMs)
    const push = { commands, pass, git, scratch, record }
    const ahead = AbortSignal.any([signal, over.signal])
    for (const check of checks) begun.push(check.prepare?.(push, ahead))
    const aliases = linkTo().then(link =>
      refuseAliases({ git, mirror, link, upstream: pass.repository, signal: ahead }, commands),
    )
    begun.push(
      aliases.then(
        () => {},
        () => {},
      ),
    )
    for (const check of checks) {
      await record.step(check.name)
      const refusals = await check.run(push, line => say(`git-gate: ${line}`), signal)
      signal.throwIfAborted()
      if (refusals.length) return refused(commands, refusals)
    }
    const refusedAliases = await aliases
    if (refusedAliases.length) return refused(commands, refusedAliases)
    const refs = commands.map(c => c.ref)
    const release = await mirror.holdRefs(refs, gone)
    ended.then(release, release)
    gone.throwIfAborted()
    session.phase = 'forwarding'
    await record.step('forwarding')
    say(`git-gate: checked, forwarding to ${pass.repository.name}'s upstream`)
    return await send(forward, pass, { list, record, say })
  } catch (error) {
    if (gone.aborted)
      return abandoned(commands, gone.reason instanceof ClientGone ? gone.reason : new ClientGone('vanished'))
    if (deadline.aborted)
      return couldNotCheck(commands, `the checks did not end within ${settings.scanMs / 1000} s`)
    if (error instanceof UpstreamError) return failed(commands, error.message)
    if (error instanceof GateFault) return couldNotCheck(commands, error.message)
    logFault(pass.id, error)
    return couldNotCheck(commands, faultOf(error))
  } finally {
    over.abort()
    forward?.drop()
    await Promise.all(begun)
  }
}

const couldNotCheck = (commands: readonly Command[], why: string) =>
  failed(commands, `the gate could not check this push: ${why}`, GATES_FAULT)

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
  pass: Pushing['pass'],
  { list: { commands }, record, say }: Pick<Received, 'list' | 'record' | 'say'>,
): Promise<Verdict> {
  let noted: Promise<void> | undefined
  const onStart = (pid: number) => {
    // Upstream decides from here on, whatever becomes of the note.
    noted = record.forwarding(pid, startTimeOf(pid)).catch(error => logFault(pass.id, error))
  }
  const result = await forward.send(onStart)
  await noted
  record.upstreamSaid = result.upstreamSaid
  if (result.outcome === 'accepted') say('git-gate: upstream has accepted the push')
  if (result.outcome === 'failed') return failed(commands, result.why)
  const refs = result.refs.map(ref =>
    ref.status === 'ng' ? { ...ref, reason: `git-gate: ${ref.reason}` } : ref,
  )
  return {
    outcome: result.outcome,
    refs,
    refusals: result.outcome === 'refused' ? [wholePush(result.why)] : [],
  }
}
