import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { inBytes } from '../../src/contract/format-bytes.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import type { PassFor } from '../../src/contract/pass.ts'
import type { Check } from '../checks/index.ts'
import type { Git } from '../git/git.ts'
import { type Backend, cgiHeadReader, startBackend } from '../git/http-backend.ts'
import { PktLines } from '../git/pkt-line.ts'
import { UnreadableBody } from '../http/inflate-body.ts'
import type { Client } from '../http/push-client.ts'
import { ClientGone, ReaderStuck, writeTo } from '../http/request-body.ts'
import type { Journal } from '../journal/journal.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { GATES_FAULT, logFault } from '../process/log.ts'
import { type MemoryBudget, NoRoom } from '../process/memory-budget.ts'
import { saysOutOfMemory } from '../process/memory-limit.ts'
import { quarantinesOf } from '../process/orphans.ts'
import { killGroup } from '../process/spawn.ts'
import type { Session } from '../sessions/sessions.ts'
import type { Settings } from '../settings.ts'
import type { Link } from '../upstream/ssh-link.ts'
import { judge } from './check-and-forward.ts'
import type { CommandList, CommandListReader } from './command-list.ts'
import { answerHook, hookRequest } from './pre-receive-channel.ts'
import { abandoned, failed, type PushRecord, refused, type Verdict, wholePush } from './push-record.ts'
import type { Reply } from './report-status.ts'

/** After a client is gone, git gets this long to end on its own, and to clean up, before its group is killed. */
const GRACE_MS = 2_000

/** With its verdict, git moves the mirror's refs, or drops the quarantine, within this. */
const REFS_MS = 30_000

/** What a push works with. */
export interface Pushing {
  readonly pass: PassFor<'git-receive-pack'>
  readonly session: Session
  readonly memory: MemoryBudget
  readonly mirror: Mirror
  readonly linkTo: () => Promise<Link>
  readonly checks: readonly Check[]
  readonly journal: Journal
  /** Called when the outcome is in the journal, before the client has it. */
  readonly announce: () => Promise<void>
  readonly settings: Settings
}

/** A push whose commands stand, and whose pack is still to come. */
export interface Received {
  readonly list: CommandList
  readonly reader: CommandListReader
  readonly reply: Reply
  readonly record: PushRecord
  readonly say: (line: string) => void
}

/** A push is received when there is memory for it; until then its client is not read from. */
export async function throughGit(client: Client, pushing: Pushing, received: Received): Promise<Verdict> {
  const { commands } = received.list
  try {
    const leave = await pushing.memory.enter(client.gone, () =>
      received.say('git-gate: waiting for memory that other sessions use'),
    )
    return await receive(client, pushing, received).finally(leave)
  } catch (error) {
    if (error instanceof ClientGone) return abandoned(commands, error)
    if (error instanceof NoRoom) return failed(commands, error.message)
    throw error
  }
}

/**
 * The pack into git's quarantine, pre-receive's question to the judge, and the verdict. It owns both ends: until
 * forwarding has begun a client that goes away ends it; from then on only upstream's answer, or the deadline, does.
 */
async function receive(client: Client, pushing: Pushing, received: Received): Promise<Verdict> {
  const { pass, session, mirror, settings, linkTo } = pushing
  const { commands } = received.list
  const leave = await mirror.enter()
  const scratch = join(settings.home, 'scratch', pass.id)
  const gone = new AbortController()
  let killed = false
  let isTidy = true
  let isFed = false
  let isOver = false
  let left: string[] = []
  let isHung = false
  let grace: NodeJS.Timeout | undefined
  let unpacking: NodeJS.Timeout | undefined
  let verdict: Verdict | undefined

  // The connection to upstream opens while the pack comes in; the forward finds out how that went.
  linkTo()
    .then(link => link.connect(AbortSignal.timeout(settings.forwardMs)))
    .catch(() => {})

  const backend = startOrLeave(mirror.git, pass, client, leave)
  const kill = () => {
    const objects = join(mirror.git.dir, 'objects/')
    left = quarantinesOf(backend.child.pid ?? 0)
      .map(folder => resolve(folder))
      .filter(folder => folder.startsWith(objects))
    killed = true
    isTidy = false
    killGroup(backend.child)
  }
  const letGo = (why: ClientGone) => {
    if (session.phase === 'forwarding' || gone.signal.aborted) return
    gone.abort(why)
    backend.stdin.end()
    grace = setTimeout(kill, GRACE_MS)
  }
  /** Over its side band git tells every few seconds that it works on a pack it has; silence is a git that does not. */
  const expectWord = () => {
    if (!isFed || session.phase !== 'receiving' || gone.signal.aborted) return
    if (!received.list.capabilities.has('side-band-64k')) return
    clearTimeout(grace)
    grace = setTimeout(kill, settings.gitIdleMs)
  }
  /** What git says every few seconds tells that it is there, not that it gets on: its work on a pack has an end. */
  const packIsWhole = () => {
    if (session.phase !== 'receiving' || isOver) return
    unpacking ??= setTimeout(() => {
      isHung = true
      kill()
    }, settings.scanMs)
  }
  const closed = () => letGo(new ClientGone('vanished'))
  client.gone.addEventListener('abort', closed)
  if (client.gone.aborted) closed()

  try {
    const over = backend.ended.then(
      () => undefined,
      () => undefined,
    )
    const feeding = feed(client, received.reader, backend, over, settings)
      .catch((error: unknown) => {
        if (error instanceof ReaderStuck) kill()
        else if (error instanceof ClientGone) letGo(error)
        else if (error instanceof UnreadableBody) {
          backend.stdin.end()
          return { unfit: wholePush(error.message, ['push again; if it stays, push with git itself']) }
        } else throw error
        return {}
      })
      .finally(() => {
        isFed = true
        packIsWhole()
        expectWord()
      })
    backend.ended
      .finally(() => {
        isOver = true
        client.at('over')
      })
      .catch(() => {})
    const output = readOutput(backend, received.reply, isKeepalive => {
      if (session.phase === 'receiving') client.at('working')
      if (isKeepalive) packIsWhole()
      expectWord()
    })
    const judging = hookRequest(backend.hook as Duplex).then(async asked => {
      if (!asked) return
      clearTimeout(unpacking)
      if (!gone.signal.aborted) clearTimeout(grace)
      client.at('judged')
      verdict = await judge(asked, pushing, received, scratch, gone.signal, over)
      answerHook(backend.hook, verdict.outcome === 'accepted' ? 'pass' : 'refuse')
      clearTimeout(grace)
      grace = setTimeout(kill, gone.signal.aborted ? GRACE_MS : REFS_MS)
    })
    const [{ unfit }] = await Promise.all([feeding, judging])
    const { code, stderr } = await backend.ended
    // Whoever else ended git, out of memory for example, left what it had begun.
    isTidy &&= code === 0
    const { unpack, said } = output()
    if (verdict) return verdict
    if (gone.signal.aborted) return abandoned(commands, gone.signal.reason)
    if (isHung)
      return {
        ...failed(
          commands,
          `the gate could not take this push: git did not get on with the pack within ${settings.scanMs / 1000} s`,
          GATES_FAULT,
        ),
        reaped: 'stuck',
      }
    if (unfit) return refused(commands, [unfit])
    // What lies between client and companion can make a broken-off body look whole: the pack tells.
    if (
      /early EOF|eof before pack header|unexpected disconnect|premature end/.test(`${said}${unpack}${stderr}`)
    )
      return abandoned(commands, new ClientGone('cut'))
    if (/No space left on device|Disk quota exceeded/.test(`${said}${stderr}`))
      return failed(commands, 'the gate could not take this push: its disk is full', GATES_FAULT)
    if (saysOutOfMemory(`${said}${stderr}`)) return refused(commands, [tooMuchMemory(settings)])
    if (unpack && unpack !== 'ok')
      return refused(commands, [
        wholePush(`git could not take the pack: ${unpack}`, [
          'git fsck tells what is wrong with its objects',
        ]),
      ])
    const unanswered = failed(commands, 'git ended without an answer', GATES_FAULT)
    return killed ? { ...unanswered, reaped: 'stuck' } : unanswered
  } finally {
    clearTimeout(grace)
    clearTimeout(unpacking)
    if (!isOver) {
      kill()
      await backend.ended.catch(() => {})
    }
    client.gone.removeEventListener('abort', closed)
    // Others may be inside for long: what is known to be this push's goes at once.
    for (const folder of [scratch, ...left])
      await rm(folder, { recursive: true, force: true }).catch((error: unknown) => logFault(pass.id, error))
    leave(!isTidy)
  }
}

/** A few bytes of a delta can stand for gigabytes (gitformat-pack(5)); git holds an object and what it is made of. */
const tooMuchMemory = ({ gitMemoryBytes, maxBlobBytes }: Settings) =>
  wholePush(`git needs more than ${inBytes(gitMemoryBytes)} of memory to unpack this push`, [
    `a file in it is far larger than the ${inBytes(maxBlobBytes)} that a file may have: leave it out, or keep it in Git LFS.`,
  ])

/** Git's receive-pack; where it cannot be started, for want of descriptors for example, the mirror is left again. */
function startOrLeave(
  git: Git,
  pass: PassFor<'git-receive-pack'>,
  { protocol }: Client,
  leave: (killed: boolean) => void,
): Backend {
  const service = 'git-receive-pack'
  const request = { method: 'POST', path: service, service, agent: pass.agent, protocol } as const
  try {
    return startBackend(git, request, new AbortController().signal)
  } catch (error) {
    leave(true)
    throw error
  }
}

/** Hands the list, then the pack, to git at git's pace, until the body ends, or git does. */
async function feed(
  { body, at }: Client,
  reader: CommandListReader,
  backend: Backend,
  over: Promise<undefined>,
  { maxPushBytes, gitIdleMs }: Settings,
): Promise<{ unfit?: Refusal }> {
  // A client that waits on git is not seen to go: so git, too, may not stand still for ever.
  const give = (bytes: Buffer) => writeTo(backend.stdin, bytes, gitIdleMs)
  await give(reader.raw)
  let bytes = reader.rest.length
  at(bytes ? 'pack' : 'list')
  await give(reader.rest)
  const next = () => {
    const chunk = body.next()
    // One that git's end has overtaken is nobody's.
    chunk.catch(() => {})
    return Promise.race([chunk, over])
  }
  for (let chunk = await next(); chunk; chunk = await next()) {
    if (bytes === 0) at('pack')
    bytes += chunk.length
    if (bytes > maxPushBytes) {
      backend.stdin.end()
      const why = `the push is larger than ${maxPushBytes} bytes`
      return { unfit: wholePush(why, ['split it into smaller pushes']) }
    }
    await give(chunk)
  }
  backend.stdin.end()
  return {}
}

/**
 * Git's own answer: its progress goes on to the client as it comes; its report is kept back, since pre-receive can
 * only say "hook declined" there, and the gate has a reason for each ref.
 */
function readOutput(
  backend: Backend,
  reply: Reply,
  /** Told each packet; git's keepalives are empty, and begin when it has the whole pack. */
  heard: (isKeepalive: boolean) => void,
): () => { unpack: string; said: string } {
  const readHead = cgiHeadReader()
  const packets = new PktLines()
  const report = new PktLines()
  let inBody = false
  let unpack = ''
  let said = ''
  const take = (bytes: Buffer) => {
    packets.push(bytes)
    for (let pkt = packets.next(); pkt !== undefined; pkt = packets.next()) {
      const isKeepalive = pkt !== 'flush' && pkt[0] === 1 && pkt.length === 1
      heard(isKeepalive)
      if (pkt === 'flush') continue
      if (isKeepalive) reply.keepalive()
      else if (pkt[0] === 2) {
        said = (said + pkt.toString('utf8', 1)).slice(-4096)
        reply.progress(pkt.subarray(1))
      } else if (pkt[0] === 1) {
        report.push(pkt.subarray(1))
        for (let line = report.next(); line !== undefined; line = report.next())
          if (line !== 'flush') unpack ||= /^unpack (.*)$/m.exec(line.toString('utf8'))?.[1] ?? ''
      } else unpack ||= /^unpack (.*)$/m.exec(pkt.toString('utf8'))?.[1] ?? ''
    }
  }
  backend.stdout.on('data', (chunk: Buffer) => {
    if (inBody) return take(chunk)
    const head = readHead(chunk)
    if (!head) return
    inBody = true
    take(head.body)
  })
  return () => ({ unpack, said })
}
