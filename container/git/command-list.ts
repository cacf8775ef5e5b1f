import { ObjectId, RefName, ZERO_ID } from '../../src/contract/names.ts'
import { withoutLikelySecrets } from '../../src/contract/unscanned-text.ts'
import { FLUSH, type Pkt, PktLineError, PktLines, pktLine } from './pkt-line.ts'

/** One line of a push's command list: `<old> <new> <ref>` (gitprotocol-pack(5)). */
export interface Command {
  readonly ref: RefName
  readonly old: ObjectId
  readonly new: ObjectId
}

/** What a receive-pack request asks for, before its pack. */
export interface CommandList {
  readonly commands: readonly Command[]
  readonly capabilities: ReadonlySet<string>
  /** The client's `agent=` capability. */
  readonly client: string
  readonly pushOptions: readonly string[]
}

/** A command list that the gate does not take, with the refs as the client wrote them: each a command, or a problem. */
export interface BadCommandList {
  readonly problem: string
  readonly refs: readonly { ref: string; command?: Command; problem?: string }[]
  readonly capabilities: ReadonlySet<string>
}

export const isDelete = (command: Command) => command.new === ZERO_ID
export const isCreate = (command: Command) => command.old === ZERO_ID
export const isTag = (command: Command) => command.ref.startsWith('refs/tags/')

/** The most one push may name, in refs, and its whole list in bytes: it has to fit into one row of the ledger. */
export const MAX_COMMANDS = 5_000
const MAX_LIST_BYTES = 768 << 10

const SHALLOW = /^shallow [0-9a-f]{40}\n?$/

const KNOWN_CAPABILITIES = new Set([
  'report-status',
  'report-status-v2',
  'side-band-64k',
  'delete-refs',
  'ofs-delta',
  'atomic',
  'quiet',
  'push-options',
  'object-format',
  'agent',
  'session-id',
])

/**
 * Reads a push's command list, and its push options, as its bytes come. `nothing` is the lone flush packet that
 * git sends first when the body will be chunked: a probe, not a push.
 */
export class CommandListReader {
  readonly #packets = new PktLines()
  readonly #lines: Buffer[] = []
  readonly #raw: Buffer[] = []
  readonly #options: string[] = []
  #bytes = 0
  #inOptions = false

  /** Takes bytes; answers when the list is whole. What follows it in the stream is in `rest`. */
  push(chunk: Buffer): CommandList | BadCommandList | 'nothing' | undefined {
    this.#packets.push(chunk)
    try {
      for (let pkt = this.#packets.next(); pkt !== undefined; pkt = this.#packets.next()) {
        const done = this.#take(pkt)
        if (done) return done
      }
    } catch (error) {
      if (error instanceof PktLineError) return this.#bad(error.message)
      throw error
    }
    return this.#bytes + this.#packets.held > MAX_LIST_BYTES
      ? this.#bad('the command list is too long')
      : undefined
  }

  /** The list as it came, to be handed to git. */
  get listBytes(): Buffer {
    return Buffer.concat(this.#raw)
  }

  /** What came after the list: the start of the pack. */
  get packBytes(): Buffer {
    return this.#packets.rest
  }

  #take(pkt: Pkt): CommandList | BadCommandList | 'nothing' | undefined {
    this.#raw.push(pkt === 'flush' ? FLUSH : pktLine(pkt))
    this.#bytes += pkt.length + 4
    if (this.#bytes > MAX_LIST_BYTES) return this.#bad('the command list is too long')
    if (this.#inOptions) {
      if (pkt === 'flush') return this.#parse()
      this.#options.push(pkt.toString('utf8').replace(/\n$/, ''))
      return undefined
    }
    if (pkt !== 'flush') {
      // A shallow clone names its edges first; git judges them, and takes no push that would make the mirror shallow.
      if (!SHALLOW.test(pkt.toString('latin1'))) this.#lines.push(pkt)
      return undefined
    }
    if (this.#lines.length === 0) return 'nothing'
    if (capabilitiesOf(this.#lines[0]).has('push-options')) {
      this.#inOptions = true
      return undefined
    }
    return this.#parse()
  }

  #bad(problem: string, refs: BadCommandList['refs'] = []): BadCommandList {
    return { problem, refs, capabilities: capabilitiesOf(this.#lines[0]) }
  }

  #parse(): CommandList | BadCommandList {
    if (this.#lines.length > MAX_COMMANDS) return this.#bad(`a push may name ${MAX_COMMANDS} refs at most`)
    // Git takes capabilities from every line, and would then read on with others than were judged here.
    if (this.#lines.slice(1).some(line => line.includes(0)))
      return this.#bad('only the first line of a push names capabilities')
    const read = this.#lines.map(readCommand)
    const seen = new Set<string>()
    const refs = read.map(({ ref, command, problem }) => {
      const duplicate = seen.has(ref) ? 'it is named twice' : undefined
      seen.add(ref)
      const found = problem ?? duplicate
      return found || !command ? { ref, problem: found ?? '' } : { ref, command }
    })
    const first = refs.find(ref => ref.problem)
    if (first) return this.#bad(`${inWords(first.ref)}: ${first.problem}`, refs)
    const capabilities = capabilitiesOf(this.#lines[0])
    const words = [...capabilities]
    const unknown = words.find(word => !KNOWN_CAPABILITIES.has(word.split('=')[0] ?? ''))
    if (unknown !== undefined) return this.#bad(`the capability ${inWords(unknown)} was not offered`, refs)
    if (words.some(word => word.startsWith('object-format=') && word !== 'object-format=sha1'))
      return this.#bad('only SHA-1 repositories are served', refs)
    if (!words.some(word => word === 'report-status' || word === 'report-status-v2'))
      return this.#bad(
        'a client must ask for report-status, or it could not be told what became of its push',
        refs,
      )
    if (
      this.#options.length > 64 ||
      this.#options.some(option => /[\x00-\x1f\x7f]/.test(option) || option.length > 4096)
    )
      return this.#bad('a push option has control characters, or there are too many', refs)
    return {
      commands: read.flatMap(({ command }) => (command ? [command] : [])),
      capabilities,
      client: printable(words.find(word => word.startsWith('agent='))?.slice('agent='.length) ?? ''),
      pushOptions: this.#options,
    }
  }
}

function capabilitiesOf(line: Buffer | undefined): Set<string> {
  const nul = line?.indexOf(0) ?? -1
  return new Set(
    line && nul >= 0
      ? line
          .toString('utf8', nul + 1)
          .trim()
          .split(/\s+/)
          .filter(Boolean)
      : [],
  )
}

/** One command line. A newline inside the name would be a second line of pre-receive's input: it is no name. */
function readCommand(line: Buffer): { ref: string; command?: Command; problem?: string } {
  const nul = line.indexOf(0)
  const text = nul >= 0 ? line.toString('utf8', 0, nul) : line.toString('utf8').replace(/\n$/, '')
  const match = /^([0-9a-f]{40}) ([0-9a-f]{40}) ([\s\S]+)$/.exec(text)
  if (!match) return { ref: text.slice(82) || '?', problem: 'not a command: <old> <new> <ref>' }
  const [, old = '', id = '', ref = ''] = match
  const name = RefName.safeParse(ref)
  if (!name.success) return { ref, problem: name.error.issues[0]?.message ?? 'not a ref name' }
  if (old === id)
    return {
      ref,
      problem: old === ZERO_ID ? 'there is nothing of this name to delete' : 'it changes nothing',
    }
  return { ref, command: { ref: name.data, old: ObjectId.parse(old), new: ObjectId.parse(id) } }
}

/** A client's own text inside of the gate's words, which are kept: no scan has seen it. */
const inWords = (text: string) => withoutLikelySecrets(printable(text.slice(0, 4_000))).slice(0, 200)

/** Text from outside made safe to print: control and invisible characters become `?`. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, '?')
}
