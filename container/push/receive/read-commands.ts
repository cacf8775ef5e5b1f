import { UnreadableBody } from '../../client/inflate-body.ts'
import type { PushClient } from '../../client/push-client.ts'
import { type BadCommandList, type CommandList, CommandListReader } from '../../git/command-list.ts'
import { createReply, gateLine, type Reply } from '../../git/report-status.ts'
import type { PushRecorder } from '../record/push-recorder.ts'

/** A push whose command list has been read, whether it parsed or not. */
export interface PushHead<List> {
  readonly list: List
  readonly reader: CommandListReader
  readonly reply: Reply
  /**
   * Sends the client a line as it is, and adds it to the push's record. A client's capability `quiet` does not
   * silence it: git sends that for --quiet and for every push without a terminal alike.
   */
  readonly sendLine: (line: string) => void
  /** Sends a line that is marked as the gate's own. */
  readonly sendProgress: (line: string) => void
}

/** Limit of a line sent to the client, in characters. */
const MAX_LINE = 2_000
export const truncateLine = (text: string) => text.slice(0, MAX_LINE)

/** Reads the command list. Returns `probe` for git's probe, a single flush packet. */
export async function readCommands(
  { body, write }: PushClient,
  recorder: PushRecorder,
): Promise<PushHead<CommandList | BadCommandList> | 'probe'> {
  const reader = new CommandListReader()
  const list = await readList(body, reader).catch((error: unknown) => {
    if (error instanceof UnreadableBody) return badList(error.message)
    throw error
  })
  if (list === 'probe') return list
  const reply = createReply(list.capabilities, write)
  const sendLine = (text: string) => {
    const line = truncateLine(text)
    recorder.remoteLines.add(line)
    reply.progressLine(line)
  }
  const sendProgress = (text: string) => sendLine(gateLine(text))
  return { list, reader, reply, sendLine, sendProgress }
}

const badList = (problem: string): BadCommandList => ({ problem, refs: [], capabilities: new Set() })

async function readList(
  body: PushClient['body'],
  reader: CommandListReader,
): Promise<CommandList | BadCommandList | 'probe'> {
  let list: ReturnType<CommandListReader['push']>
  for (let chunk = await body.read(); chunk && !list; ) {
    list = reader.push(chunk)
    if (!list) chunk = await body.read()
  }
  if (list !== 'probe') return list ?? badList('the request ended before its command list did')
  let more = reader.packBytes.length > 0
  while (await body.read()) more = true
  return more ? badList('it names no ref') : 'probe'
}
