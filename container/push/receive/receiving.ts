import type { Refusal } from '../../../src/contract/outcome.ts'
import { UnreadableBody } from '../../client/inflate-body.ts'
import type { PushClient } from '../../client/push-client.ts'
import { ClientGone, WriteTimeout, writeWithBackpressure } from '../../client/request-body.ts'
import type { CommandList, CommandListReader } from '../../git/command-list.ts'
import { type Backend, spawnHttpBackend } from '../../git/http-backend.ts'
import type { Reply } from '../../git/report-status.ts'
import type { Mirror } from '../../mirror/mirror.ts'
import type { Settings } from '../../settings.ts'
import type { PushStateMachine } from '../push-state.ts'
import { pushRefusal } from '../verdict.ts'
import { readGitOutput } from './git-output.ts'
import { limitGit } from './limit-git.ts'
import { answerHook, type HookRequest, readHookRequest } from './pre-receive-channel.ts'

/**
 * Time that git gets to exit and clean up after its client disconnected, in milliseconds. Then its process
 * group is killed.
 */
const GRACE_MS = 2_000

/**
 * Timeout for git to update the mirror's refs, or to delete the quarantine, after the verdict, in
 * milliseconds.
 */
const REFS_MS = 30_000

/** Input of receive-pack for one push, and the limits that apply to it. */
export interface PackSource {
  readonly agent: string
  readonly client: PushClient
  readonly mirror: Mirror
  readonly list: CommandList
  readonly reader: CommandListReader
  readonly reply: Reply
  readonly state: PushStateMachine
  readonly settings: Pick<Settings, 'gitIdleMs' | 'checkMs' | 'maxPushBytes'>
  /** The signal ends git's input. `abandon` is called when the client has disconnected or was idle for too long. */
  readonly presence: { readonly signal: AbortSignal; abandon(cause: ClientGone): void }
}

/** How receive-pack ended. */
export interface ReceivingEnd {
  /** Git's `unpack` status, its progress and its stderr. */
  readonly unpack: string
  readonly messages: string
  readonly stderr: string
  /** Refusal of a body that cannot be decoded or exceeds the size limit. */
  readonly unfit?: Refusal | undefined
  /** True if git had the whole pack and did not finish within `checkMs`. */
  readonly isTooSlow: boolean
  readonly wasKilled: boolean
}

/** A running receive-pack on a mirror, which reads a pack into quarantine. */
export interface Receiving {
  /**
   * Resolves with pre-receive's request once the pack is in quarantine, or with undefined if git exited
   * before.
   */
  readonly hookRequest: Promise<HookRequest | undefined>
  /** Resolves when git has exited. */
  readonly gitExited: Promise<void>
  /** Sends the verdict to pre-receive. Git is killed if it does not exit in time. */
  answer(verdict: 'accept' | 'refuse'): void
  /** Resolves when git has exited and the client's body is no longer read. */
  end(): Promise<ReceivingEnd>
  /**
   * Kills git if it still runs. Returns the quarantines that it left behind. `isTidy` means that git cleaned
   * up itself.
   */
  dispose(): Promise<{ isTidy: boolean; quarantines: readonly string[] }>
}

/**
 * Starts receive-pack on a push. This function owns git's processes and their timers; the caller owns the
 * client's connection.
 */
export function startReceiving(source: PackSource): Receiving {
  const { client, presence } = source
  const backend = start(source)
  const limits = limitGit(backend, source)
  const gitExited = backend.ended.then(
    () => {},
    () => {},
  )
  gitExited.then(() => {
    limits.markExited()
    client.enterPhase('over')
  })
  const output = readGitOutput(backend, source.reply, limits.onPacket)
  const feeding = pipePack(source, backend, gitExited)
    .catch((error: unknown): PipeResult => {
      if (error instanceof UnreadableBody) {
        backend.stdin.end()
        return {
          unfit: pushRefusal(error.message, ['push again; if it happens again, push with git itself']),
        }
      }
      if (error instanceof ClientGone) source.presence.abandon(error)
      else limits.kill()
      if (!(error instanceof ClientGone || error instanceof WriteTimeout)) throw error
      return {}
    })
    .finally(limits.inputEnded)
  // end() awaits it. A rejection before that must not count as unhandled.
  feeding.catch(() => {})
  const hookRequest = readHookRequest(backend.hook).then(request => {
    if (!request) return undefined
    limits.packIsUnpacked()
    client.enterPhase('in-quarantine')
    return request
  })
  // The grace lets git clean up after itself.
  const abandon = () => {
    backend.stdin.end()
    limits.killAfter(GRACE_MS)
  }
  presence.signal.addEventListener('abort', abandon, { once: true })
  if (presence.signal.aborted) abandon()
  return {
    hookRequest,
    gitExited,
    answer(verdict) {
      answerHook(backend.hook, verdict)
      limits.killAfter(source.state.current === 'abandoned' ? GRACE_MS : REFS_MS)
    },
    async end() {
      const { unfit } = await feeding
      const { code, stderr } = await backend.ended
      // A git that was killed from outside, for example when memory ran out, has left its temporary files.
      if (code !== 0) limits.markUntidy()
      const { isTooSlow, wasKilled } = limits
      return { ...output(), stderr, unfit, isTooSlow, wasKilled }
    },
    async dispose() {
      limits.clear()
      if (!limits.hasExited) {
        limits.kill()
        await gitExited
      }
      return limits
    },
  }
}

function start({ agent, client, mirror }: PackSource): Backend {
  const service = 'git-receive-pack'
  const { protocol } = client
  const request = {
    method: 'POST',
    path: service,
    service,
    agent,
    protocol,
  } as const
  return spawnHttpBackend(mirror.git, request, new AbortController().signal)
}

interface PipeResult {
  readonly unfit?: Refusal
}

/**
 * Writes the command list and then the pack to git's stdin with backpressure, until the body ends or git
 * exits.
 */
async function pipePack(
  { client: { body, enterPhase }, reader, settings: { maxPushBytes, gitIdleMs } }: PackSource,
  backend: Backend,
  gitExited: Promise<void>,
): Promise<PipeResult> {
  // While git takes no input, the client's disconnect goes unnoticed. So git's stdin has an idle timeout,
  // too.
  const writePack = (bytes: Buffer) => writeWithBackpressure(backend.stdin, bytes, gitIdleMs)
  await writePack(reader.listBytes)
  let bytes = reader.packBytes.length
  enterPhase(bytes ? 'pack' : 'list')
  await writePack(reader.packBytes)
  const next = () => {
    const chunk = body.read()
    // If git exits first, nothing awaits this read.
    chunk.catch(() => {})
    return Promise.race([chunk, gitExited])
  }
  for (let chunk = await next(); chunk; chunk = await next()) {
    if (bytes === 0) enterPhase('pack')
    bytes += chunk.length
    if (bytes > maxPushBytes) {
      backend.stdin.end()
      const reason = `the push is larger than ${maxPushBytes} bytes`
      return { unfit: pushRefusal(reason, ['split it into smaller pushes']) }
    }
    await writePack(chunk)
  }
  backend.stdin.end()
  return {}
}
