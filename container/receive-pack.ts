import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../src/contract/pass.ts'
import { type Body, bodyOf, ClientGone } from './body.ts'
import { judgeCommands } from './checks/index.ts'
import { type BadCommandList, type CommandList, CommandListReader } from './commands.ts'
import { abandoned, type PushRecord, recordPush, refused, type Verdict, wholePush } from './push.ts'
import { type Pushing, throughGit } from './quarantine.ts'
import { type Reply, replyTo, tellRefusal } from './report.ts'
import { endWithin } from './upload-pack.ts'

/** A push whose command list has been read, good or bad. */
interface Begun<List> {
  readonly list: List
  readonly reader: CommandListReader
  readonly body: Body
  readonly reply: Reply
  readonly record: PushRecord
  /** Tells the agent a line, and keeps it on record. */
  readonly say: (line: string) => void
}

type Session = Pick<Pushing, 'pass' | 'journal' | 'settings'>

/** One push, from its first byte to its outcome: receiving, checking, forwarding, done. */
export async function receivePack(
  request: IncomingMessage,
  response: ServerResponse,
  pushing: Pushing,
): Promise<void> {
  const begun = await begin(request, response, pushing)
  if (!begun) return
  const { list, record } = begun
  const early = judgeEarly(list, pushing.pass)
  if (early || 'problem' in list) return refuseEarly(response, begun, early ?? refused([], []), pushing)
  await record.begin(list.commands)
  const verdict = await throughGit(request, response, pushing, { ...begun, list })
  await finish(response, begun, verdict, pushing)
}

/** A push that is not let in, told why in git's own report. */
export async function refusePush(
  request: IncomingMessage,
  response: ServerResponse,
  session: Session,
  why: string,
): Promise<void> {
  const begun = await begin(request, response, session)
  if (begun) await refuseEarly(response, begun, refused(namesOf(begun.list), [wholePush(why)]), session)
}

/** Reads the command list. Undefined: there was none to act on, and the request is answered or gone. */
async function begin(
  request: IncomingMessage,
  response: ServerResponse,
  { pass, journal, settings }: Session,
): Promise<Begun<CommandList | BadCommandList> | undefined> {
  const record = recordPush(pass, journal)
  const body = bodyOf(request, settings.clientIdleMs)
  const reader = new CommandListReader()
  let list: ReturnType<CommandListReader['push']>
  try {
    for (let chunk = await body.next(); chunk && !list; ) {
      list = reader.push(chunk)
      if (!list) chunk = await body.next()
    }
    if (list === 'nothing') {
      await body.drain()
      respond(response).end()
      return undefined
    }
  } catch (error) {
    if (!(error instanceof ClientGone)) throw error
    await record.begin([])
    await record.end(abandoned([], error.message))
    response.destroy()
    return undefined
  }
  list ??= { problem: 'the request ended before its command list did', refs: [], capabilities: new Set() }
  const reply = replyTo(list.capabilities, bytes => {
    if (!response.destroyed) respond(response).write(bytes)
  })
  const say = (line: string) => {
    if (record.told.length < 500) record.told.push(line)
    reply.say(line)
  }
  return { list, reader, body, reply, record, say }
}

function respond(response: ServerResponse): ServerResponse {
  if (!response.headersSent && !response.destroyed)
    response.writeHead(200, {
      'content-type': 'application/x-git-receive-pack-result',
      'cache-control': 'no-cache',
    })
  return response
}

const namesOf = (list: CommandList | BadCommandList) =>
  'problem' in list ? list.refs.map(({ ref }) => ({ ref, old: '', new: '' })) : list.commands

/** What is refused before a byte of the pack is taken. */
function judgeEarly(
  list: CommandList | BadCommandList,
  pass: PassFor<'git-receive-pack'>,
): Verdict | undefined {
  if ('problem' in list) {
    const refusals = list.refs.flatMap(({ ref, problem }) =>
      problem ? [{ ref, reason: `not a ref to push: ${problem}`, detail: [], remedy: [] }] : [],
    )
    return refused(list.refs, refusals.length ? refusals : [wholePush(list.problem)])
  }
  if (list.pushOptions.length && !pass.terms.pushOptions)
    return refused(list.commands, [
      wholePush(`${pass.agent} may not pass push options`, ['push again without -o / --push-option']),
    ])
  const refusals = judgeCommands(list.commands, { agent: pass.agent, terms: pass.terms })
  return refusals.length ? refused(list.commands, refusals) : undefined
}

/** A refusal that needed no objects. What the client still sends is read away, or it would not read its answer. */
async function refuseEarly(
  response: ServerResponse,
  begun: Begun<CommandList | BadCommandList>,
  verdict: Verdict,
  session: Session,
): Promise<void> {
  await begun.record.begin(namesOf(begun.list))
  await begun.body.drain().catch(() => response.destroy())
  await finish(response, begun, verdict, session)
}

/** The outcome is in the journal before the client has it. */
async function finish(
  response: ServerResponse,
  { reply, record, say }: Begun<unknown>,
  verdict: Verdict,
  { settings }: Session,
): Promise<void> {
  for (const refusal of verdict.refusals) for (const line of tellRefusal(refusal)) say(line)
  await record.end(verdict)
  if (response.destroyed) return
  // Without a ref to answer for, the reason goes where git looks first.
  const unpack = verdict.refs.length
    ? 'ok'
    : `git-gate: ${verdict.refusals[0]?.reason ?? 'nothing was pushed'}`
  reply.report(unpack, verdict.refs)
  endWithin(respond(response), settings.clientIdleMs)
}
