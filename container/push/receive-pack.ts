import type { PassFor } from '../../src/contract/pass.ts'
import { checkGrant } from '../checks/index.ts'
import { UnreadableBody } from '../http/inflate-body.ts'
import type { Client } from '../http/push-client.ts'
import { ClientGone } from '../http/request-body.ts'
import { faultOf, GATES_FAULT, logFault } from '../process/log.ts'
import type { SessionEnd } from '../sessions/session-counts.ts'
import { type BadCommandList, type Command, type CommandList, CommandListReader } from './command-list.ts'
import {
  abandoned,
  failed,
  type PushRecord,
  recordPush,
  refused,
  type Verdict,
  wholePush,
} from './push-record.ts'
import { type Pushing, throughGit } from './receive-through-git.ts'
import { type Reply, replyTo, tellRefusal } from './report-status.ts'

/** The longest line an agent is told, in characters. */
const MAX_LINE = 2_000
const inOneLine = (text: string) => text.slice(0, MAX_LINE)

/** A push whose command list has been read, good or bad. */
interface Begun<List> {
  readonly list: List
  readonly reader: CommandListReader
  readonly reply: Reply
  readonly record: PushRecord
  /** Tells the agent a line, and keeps it on record. */
  readonly say: (line: string) => void
}

type Session = Pick<Pushing, 'pass' | 'journal' | 'announce'>

/** One push, from its first byte to its outcome: receiving, checking, forwarding, done. */
export async function receivePack(client: Client, pushing: Pushing): Promise<SessionEnd> {
  const begun = await begin(client, pushing)
  if ('outcome' in begun) return begun
  const { list, record } = begun
  const early = judgeEarly(list, pushing.pass)
  if (early || 'problem' in list) return refuseEarly(client, begun, early ?? refused([], []), pushing)
  const verdict = await record
    .begin(list.commands)
    .then(() => throughGit(client, pushing, { ...begun, list }))
    .catch((error: unknown) => {
      logFault(pushing.pass.id, error)
      return failed(list.commands, `the gate could not take this push: ${faultOf(error)}`, GATES_FAULT)
    })
  return finish(client, begun, verdict, pushing)
}

/** A push that is not let in, told why in git's own report. */
export async function refusePush(client: Client, session: Session, why: string): Promise<SessionEnd> {
  const begun = await begin(client, session)
  if ('outcome' in begun) return begun
  return refuseEarly(client, begun, refused(namesOf(begun.list), [wholePush(why)]), session)
}

/** A push for which the gate could not make itself ready, told so in git's own report. */
export async function failPush(
  client: Client,
  session: Session,
  why: string,
  remedy: readonly string[] = [],
): Promise<SessionEnd> {
  const begun = await begin(client, session)
  if ('outcome' in begun) return begun
  return refuseEarly(client, begun, failed(namesOf(begun.list), why, remedy), session)
}

/** A push whose client has gone before it named a ref. */
export async function abandonPush(
  client: Client,
  { pass, journal }: Pick<Session, 'pass' | 'journal'>,
  why: ClientGone,
): Promise<SessionEnd> {
  const record = recordPush(pass, journal)
  await record.end(abandoned([], why))
  client.drop()
  return { outcome: 'abandoned', reaped: why.how }
}

/** Reads the command list; or tells how the session has ended, when there was none to act on. */
async function begin(
  client: Client,
  { pass, journal }: Session,
): Promise<Begun<CommandList | BadCommandList> | SessionEnd> {
  const record = recordPush(pass, journal)
  const reader = new CommandListReader()
  let list: ReturnType<CommandListReader['push']>
  try {
    for (let chunk = await client.body.next(); chunk && !list; ) {
      list = reader.push(chunk)
      if (!list) chunk = await client.body.next()
    }
    if (list === 'nothing') {
      let more = reader.rest.length > 0
      while (await client.body.next()) more = true
      if (!more) {
        await client.end()
        return { outcome: 'empty' }
      }
      list = { problem: 'it names no ref', refs: [], capabilities: new Set() }
    }
  } catch (error) {
    if (error instanceof ClientGone) return abandonPush(client, { pass, journal }, error)
    if (!(error instanceof UnreadableBody)) throw error
    list = { problem: error.message, refs: [], capabilities: new Set() }
  }
  list ??= { problem: 'the request ended before its command list did', refs: [], capabilities: new Set() }
  const reply = replyTo(list.capabilities, client.write)
  const say = (text: string) => {
    const line = inOneLine(text)
    record.told.add(line)
    reply.say(line)
  }
  return { list, reader, reply, record, say }
}

const namesOf = (list: CommandList | BadCommandList) =>
  'problem' in list
    ? list.refs.map(({ ref, command }) => command ?? { ref, old: '', new: '' })
    : list.commands

const LEAVE_OUT = 'leave it out: name what you push, as in git push origin refs/heads/NAME'

/** What is refused before a byte of the pack is taken. */
function judgeEarly(
  list: CommandList | BadCommandList,
  pass: PassFor<'git-receive-pack'>,
): Verdict | undefined {
  const judge = (commands: readonly Command[]) =>
    checkGrant(commands, { agent: pass.agent, terms: pass.terms }, pass.repository.name)
  if ('problem' in list) {
    const bad = list.refs.flatMap(({ ref, problem }) =>
      problem ? [{ ref, reason: `cannot be pushed: ${problem}`, detail: [], remedy: [LEAVE_OUT] }] : [],
    )
    const refusals = [...bad, ...judge(list.refs.flatMap(({ command }) => command ?? []))]
    return refused(list.refs, bad.length ? refusals : [wholePush(list.problem)])
  }
  if (list.pushOptions.length && !pass.terms.pushOptions)
    return refused(list.commands, [
      wholePush(`${pass.agent} may not pass push options`, ['push again without -o / --push-option']),
    ])
  const refusals = judge(list.commands)
  return refusals.length ? refused(list.commands, refusals) : undefined
}

/** A refusal that needed no objects. */
async function refuseEarly(
  client: Client,
  begun: Begun<CommandList | BadCommandList>,
  verdict: Verdict,
  session: Session,
): Promise<SessionEnd> {
  await begun.record.begin(namesOf(begun.list)).catch(error => logFault(begun.record.id, error))
  return finish(client, begun, verdict, session)
}

/**
 * The outcome is in the journal before the client has it. What the client still sends is read away before its answer,
 * or it would not read that.
 */
async function finish(
  client: Client,
  { reply, record }: Begun<unknown>,
  verdict: Verdict,
  { announce }: Session,
): Promise<SessionEnd> {
  const lines = verdict.refusals.flatMap(refusal => {
    const ref = record.secretRefs.get(refusal.ref ?? '') ?? refusal.ref
    return tellRefusal(ref === undefined ? refusal : { ...refusal, ref }).map(inOneLine)
  })
  for (const line of lines) record.told.add(line)
  await record.end(verdict)
  await announce()
  await client.body.drain().catch(() => {})
  for (const line of lines) reply.say(line)
  // Without a ref to answer for, the reason goes where git looks first.
  const unpack = verdict.refs.length
    ? 'ok'
    : `git-gate: ${verdict.refusals[0]?.reason ?? 'nothing was pushed'}`
  reply.report(unpack, verdict.refs)
  await client.end()
  return { outcome: verdict.outcome, reaped: verdict.reaped, scanned: record.scanned }
}
