import { join, resolve } from 'node:path'
import type { Refusal } from '../../src/contract/outcome.ts'
import { UnreadableBody } from '../client/inflate-body.ts'
import type { PushClient } from '../client/push-client.ts'
import { ClientGone, WriteTimeout, writeWithBackpressure } from '../client/request-body.ts'
import type { CommandList, CommandListReader } from '../git/command-list.ts'
import { type Backend, spawnHttpBackend } from '../git/http-backend.ts'
import type { Reply } from '../git/report-status.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { quarantineDirsOf } from '../process/orphans.ts'
import { killGroup } from '../process/spawn.ts'
import type { Settings } from '../settings.ts'
import { readGitOutput } from './git-output.ts'
import { answerHook, type HookRequest, readHookRequest } from './pre-receive-channel.ts'
import type { PushProgress } from './push-state.ts'
import { pushRefusal } from './verdict.ts'

/** After a client is gone, git gets this long to end on its own, and to clean up, before its group is killed. */
const GRACE_MS = 2_000

/** With its verdict, git moves the mirror's refs, or drops the quarantine, within this. */
const REFS_MS = 30_000

/** What git is given of a push, and what it may do with it. */
export interface PackSource {
  readonly agent: string
  readonly client: PushClient
  readonly mirror: Mirror
  readonly list: CommandList
  readonly reader: CommandListReader
  readonly reply: Reply
  readonly progress: PushProgress
  readonly settings: Pick<Settings, 'gitIdleMs' | 'scanMs' | 'maxPushBytes'>
  /** The client has gone, or was silent for too long. */
  abandon(why: ClientGone): void
}

/** How git's part of a push ended. */
export interface ReceivingEnd {
  /** Git's `unpack` line, and its other words. */
  readonly unpack: string
  readonly said: string
  readonly stderr: string
  /** The body is not one that can be taken. */
  readonly unfit?: Refusal | undefined
  /** Git had the whole pack, and was not done with it in time. */
  readonly isTooSlow: boolean
  readonly wasKilled: boolean
}

/** Git's receive-pack on a mirror, with the pack on its way into quarantine. */
export interface Receiving {
  /** Pre-receive's question: the pack is in quarantine. Undefined: git has ended without it. */
  readonly handedOver: Promise<HookRequest | undefined>
  /** Resolves when git has ended. */
  readonly over: Promise<void>
  /** Answers pre-receive, and gives git a bounded time for the rest. */
  answer(verdict: 'pass' | 'refuse'): void
  /** Resolves when git has ended, and nothing more is read of the client. */
  end(): Promise<ReceivingEnd>
  /** Ends git's input, and its processes if that does not end them. */
  abandon(): void
  /** Ends git if it has not ended. Answers with the quarantines that it could not clean up, or `isTidy`. */
  dispose(): Promise<{ isTidy: boolean; quarantines: readonly string[] }>
}

/** Starts git on a push. It owns git's processes and every bound on them; the client's ends are the push's. */
export function startReceiving(source: PackSource): Receiving {
  const { client } = source
  const backend = start(source)
  const bounds = boundGit(backend, source)
  const over = backend.ended.then(
    () => {},
    () => {},
  )
  over.then(() => {
    bounds.isOver = true
    client.at('over')
  })
  const output = readGitOutput(backend, source.reply, bounds.onPacket)
  const feeding = pipePack(source, backend, over)
    .catch((error: unknown): Fed => {
      if (error instanceof UnreadableBody) {
        backend.stdin.end()
        return { unfit: pushRefusal(error.message, ['push again; if it stays, push with git itself']) }
      }
      if (error instanceof ClientGone) source.abandon(error)
      else bounds.kill()
      if (!(error instanceof ClientGone || error instanceof WriteTimeout)) throw error
      return {}
    })
    .finally(bounds.inputEnded)
  // It is awaited at the end, and may fail before.
  feeding.catch(() => {})
  const handedOver = readHookRequest(backend.hook).then(asked => {
    if (!asked) return undefined
    bounds.packIsUnpacked()
    client.at('judged')
    return asked
  })
  return {
    handedOver,
    over,
    answer(verdict) {
      answerHook(backend.hook, verdict)
      bounds.killAfter(source.progress.state === 'abandoned' ? GRACE_MS : REFS_MS)
    },
    async end() {
      const { unfit } = await feeding
      const { code, stderr } = await backend.ended
      // Where git was ended from outside, out of memory for example, it has left what it had begun.
      bounds.isTidy &&= code === 0
      const { isTooSlow, wasKilled } = bounds
      return { ...output(), stderr, unfit, isTooSlow, wasKilled }
    },
    abandon() {
      backend.stdin.end()
      bounds.killAfter(GRACE_MS)
    },
    async dispose() {
      bounds.clear()
      if (!bounds.isOver) {
        bounds.kill()
        await over
      }
      return bounds
    },
  }
}

/** The bounds on git while it has a push: each ends its process group. */
function boundGit(backend: Backend, { client, mirror, list, progress, settings }: PackSource) {
  let inputEnded = false
  let killTimer: NodeJS.Timeout | undefined
  let unpackTimer: NodeJS.Timeout | undefined
  const bounds = {
    isOver: false,
    isTidy: true,
    isTooSlow: false,
    wasKilled: false,
    /** Of git that was killed. */
    quarantines: [] as readonly string[],
    kill,
    killAfter,
    onPacket(isKeepalive: boolean) {
      if (isReceiving()) client.at('working')
      if (isKeepalive) startUnpackDeadline()
      expectPacket()
    },
    inputEnded() {
      inputEnded = true
      startUnpackDeadline()
      expectPacket()
    },
    packIsUnpacked() {
      clearTimeout(unpackTimer)
      if (progress.state !== 'abandoned') clearTimeout(killTimer)
    },
    clear() {
      clearTimeout(killTimer)
      clearTimeout(unpackTimer)
    },
  }
  return bounds

  function isReceiving(): boolean {
    return progress.state === 'receiving' && !bounds.isOver
  }
  function kill(): void {
    bounds.quarantines = quarantinesIn(mirror, backend.child.pid ?? 0)
    bounds.wasKilled = true
    bounds.isTidy = false
    killGroup(backend.child)
  }
  function killAfter(ms: number): void {
    clearTimeout(killTimer)
    killTimer = setTimeout(kill, ms)
  }
  /** Over its side band git says every few seconds that it works on a pack; silence is a git that stands still. */
  function expectPacket(): void {
    if (inputEnded && isReceiving() && list.capabilities.has('side-band-64k')) killAfter(settings.gitIdleMs)
  }
  /** Git's packets show that it is there, not that it gets on: its work on a whole pack has an end. */
  function startUnpackDeadline(): void {
    if (!isReceiving()) return
    unpackTimer ??= setTimeout(() => {
      bounds.isTooSlow = true
      kill()
    }, settings.scanMs)
  }
}

/** The quarantines of a git that is about to be killed: it does not remove them. */
function quarantinesIn({ git }: Mirror, pid: number): string[] {
  const objects = join(git.dir, 'objects/')
  return quarantineDirsOf(pid)
    .map(folder => resolve(folder))
    .filter(folder => folder.startsWith(objects))
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

interface Fed {
  readonly unfit?: Refusal
}

/** Hands the list, then the pack, to git at git's pace, until the body ends, or git does. */
async function pipePack(
  { client: { body, at }, reader, settings: { maxPushBytes, gitIdleMs } }: PackSource,
  backend: Backend,
  over: Promise<void>,
): Promise<Fed> {
  // A client that waits on git is not seen to go: so git, too, may not stand still for ever.
  const give = (bytes: Buffer) => writeWithBackpressure(backend.stdin, bytes, gitIdleMs)
  await give(reader.listBytes)
  let bytes = reader.packBytes.length
  at(bytes ? 'pack' : 'list')
  await give(reader.packBytes)
  const next = () => {
    const chunk = body.read()
    // Git may end first: then this read is not awaited.
    chunk.catch(() => {})
    return Promise.race([chunk, over])
  }
  for (let chunk = await next(); chunk; chunk = await next()) {
    if (bytes === 0) at('pack')
    bytes += chunk.length
    if (bytes > maxPushBytes) {
      backend.stdin.end()
      const why = `the push is larger than ${maxPushBytes} bytes`
      return { unfit: pushRefusal(why, ['split it into smaller pushes']) }
    }
    await give(chunk)
  }
  backend.stdin.end()
  return {}
}
