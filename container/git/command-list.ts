import { isNullId, ObjectId, RefName } from '../../src/contract/names.ts'
import { withoutLikelySecrets } from '../../src/contract/text/unscanned-text.ts'
import { FORMAT_NAME, formatOf, type ObjectFormat } from './objects/object-format.ts'
import { FLUSH, type Pkt, PktLineError, PktLines, pktLine } from './pkt-line.ts'

/** A command of a push: `<old> <new> <ref>` (gitprotocol-pack(5)). */
export interface Command {
  readonly ref: RefName
  readonly old: ObjectId
  readonly new: ObjectId
}

/** The head of a receive-pack request: everything before its pack. */
export interface CommandList {
  readonly commands: readonly Command[]
  /** Commands whose old and new values are equal; both zero: the delete of a ref that the client knows to be absent. */
  readonly noOps: readonly Command[]
  readonly objectFormat: ObjectFormat
  readonly capabilities: ReadonlySet<string>
  readonly client: string
  readonly pushOptions: readonly string[]
}

/**
 * A command list that the gate refuses, with the refs as the client wrote them. Each ref has its command or
 * its problem.
 */
export interface BadCommandList {
  readonly problem: string
  /** The list was not read to its end, so no ref of it can be reported. */
  readonly isTooLong?: boolean
  readonly refs: readonly { ref: string; command?: Command; problem?: string }[]
  readonly capabilities: ReadonlySet<string>
}

/** Returns whether a command deletes a ref that did not exist. */
export const isVoidDelete = ({ old, new: id }: Command) => isNullId(old) && isNullId(id)
export const isDelete = (command: Command) => isNullId(command.new)
export const isCreate = (command: Command) => isNullId(command.old)
export const isTag = (command: Command) => command.ref.startsWith('refs/tags/')

/** The limits of a push's command list: refs, and bytes. The list must fit into one row of the ledger. */
export const MAX_COMMANDS = 5_000
const MAX_LIST_BYTES = 768 << 10

const SHALLOW = /^shallow (?:[0-9a-f]{40}|[0-9a-f]{64})\n?$/

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
 * Reads a push's command list and push options from chunks of bytes. The result `probe` stands for a lone
 * flush packet: git sends it first when it will send the body in chunks.
 */
export class CommandListReader {
  readonly #packets = new PktLines()
  readonly #lines: Buffer[] = []
  readonly #raw: Buffer[] = []
  readonly #options: string[] = []
  #bytes = 0
  #inOptions = false

  /** Takes bytes, and returns the list once it is complete. The bytes that follow are in `packBytes`. */
  push(chunk: Buffer): CommandList | BadCommandList | 'probe' | undefined {
    this.#packets.push(chunk)
    try {
      for (let pkt = this.#packets.next(); pkt !== undefined; pkt = this.#packets.next()) {
        const done = this.#accept(pkt)
        if (done) return done
      }
    } catch (error) {
      if (error instanceof PktLineError) return this.#bad(error.message)
      throw error
    }
    return this.#bytes + this.#packets.held > MAX_LIST_BYTES
      ? this.#tooLong('the command list is too long')
      : undefined
  }

  /**
   * The bytes of the list for git's stdin, without void deletes: git would delete the ref if the mirror has it.
   */
  get listBytes(): Buffer {
    const packets = this.#raw.filter(packet => !VOID_DELETE.test(packet.toString('latin1')))
    const [first] = this.#lines
    const next = packets.findIndex(packet => COMMAND.test(packet.toString('latin1')))
    // The first command carries the capabilities.
    if (first && packets.length < this.#raw.length && VOID_DELETE.test(`0000${first.toString('latin1')}`))
      packets[next] = pktLine(
        Buffer.concat([packets[next]?.subarray(4) ?? Buffer.alloc(0), first.subarray(first.indexOf(0))]),
      )
    return Buffer.concat(packets)
  }

  /** The bytes after the list: the start of the pack. */
  get packBytes(): Buffer {
    return this.#packets.rest
  }

  #accept(pkt: Pkt): CommandList | BadCommandList | 'probe' | undefined {
    this.#raw.push(pkt === 'flush' ? FLUSH : pktLine(pkt))
    this.#bytes += pkt.length + 4
    if (this.#bytes > MAX_LIST_BYTES) return this.#tooLong('the command list is too long')
    if (this.#inOptions) {
      if (pkt === 'flush') return this.#parse()
      this.#options.push(pkt.toString('utf8').replace(/\n$/, ''))
      return undefined
    }
    if (pkt !== 'flush') {
      // A shallow clone lists its boundary first. Git checks it, and rejects a push that would make the
      // mirror shallow.
      if (!SHALLOW.test(pkt.toString('latin1'))) this.#lines.push(pkt)
      return undefined
    }
    if (this.#lines.length === 0) return 'probe'
    if (capabilitiesOf(this.#lines[0]).has('push-options')) {
      this.#inOptions = true
      return undefined
    }
    return this.#parse()
  }

  #tooLong(problem: string): BadCommandList {
    return { ...this.#bad(problem), isTooLong: true }
  }

  #bad(problem: string, refs: BadCommandList['refs'] = []): BadCommandList {
    return { problem, refs, capabilities: capabilitiesOf(this.#lines[0]) }
  }

  #parse(): CommandList | BadCommandList {
    if (this.#lines.length > MAX_COMMANDS)
      return this.#tooLong(`a push may name ${MAX_COMMANDS} refs at most`)
    // Git reads capabilities from every line, and would use others than the gate has checked.
    if (this.#lines.slice(1).some(line => line.includes(0)))
      return this.#bad('only the first line of a push names capabilities')
    const read = this.#lines.map(readCommand)
    const commands = read.flatMap(({ command }) => command ?? [])
    const seen = new Set<string>()
    const refs = read.map(({ ref, command, problem }) => {
      const duplicate = seen.has(ref) ? 'it is named twice' : undefined
      seen.add(ref)
      const found = problem ?? duplicate
      return found || !command ? { ref, problem: found ?? '' } : { ref, command }
    })
    const first = refs.find(ref => ref.problem)
    if (first) return this.#bad(`${messageText(first.ref)}: ${first.problem}`, refs)
    const capabilities = capabilitiesOf(this.#lines[0])
    const words = [...capabilities]
    const unknown = words.find(word => !KNOWN_CAPABILITIES.has(word.split('=')[0] ?? ''))
    if (unknown !== undefined)
      return this.#bad(`the capability ${messageText(unknown)} was not offered`, refs)
    const objectFormat = objectFormatIn(words)
    if (objectFormat === undefined) return this.#bad('its object format is not known here', refs)
    if (commands.some(each => formatOf(each.old) !== objectFormat || formatOf(each.new) !== objectFormat))
      return this.#bad(`its object ids are not of its object format, ${FORMAT_NAME[objectFormat]}`, refs)
    if (!words.some(word => word === 'report-status' || word === 'report-status-v2'))
      return this.#bad(
        'a client must request report-status; without it the gate cannot report the result of a push',
        refs,
      )
    if (
      this.#options.length > 64 ||
      this.#options.some(option => /[\x00-\x1f\x7f]/.test(option) || option.length > 4096)
    )
      return this.#bad('a push option has control characters, or there are too many', refs)
    return {
      commands: commands.filter(({ old, new: id }) => old !== id),
      noOps: commands.filter(({ old, new: id }) => old === id),
      objectFormat,
      capabilities,
      client: printable(words.find(word => word.startsWith('agent='))?.slice('agent='.length) ?? ''),
      pushOptions: this.#options,
    }
  }
}

/** Packets of commands: the length, the old and the new value. */
const COMMAND = /^.{4}(?:[0-9a-f]{40}|[0-9a-f]{64}) (?:[0-9a-f]{40}|[0-9a-f]{64}) /
const VOID_DELETE = /^.{4}(?:0{40}|0{64}) (?:0{40}|0{64}) /

/** The format that the capabilities of a push name; SHA-1 if they name none, and undefined if git has no such format. */
function objectFormatIn(words: readonly string[]): ObjectFormat | undefined {
  const named = words.filter(word => word.startsWith('object-format='))
  if (named.every(word => word === 'object-format=sha1')) return 'sha1'
  return named.every(word => word === 'object-format=sha256') ? 'sha256' : undefined
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

/**
 * Parses a command line. A newline in a ref name would start a second line of pre-receive's input, so it is
 * invalid.
 */
function readCommand(line: Buffer): { ref: string; command?: Command; problem?: string } {
  const nul = line.indexOf(0)
  const text = nul >= 0 ? line.toString('utf8', 0, nul) : line.toString('utf8').replace(/\n$/, '')
  const match = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([\s\S]+)$/.exec(text)
  if (!match)
    return { ref: /^\S+ \S+ (\S+)/.exec(text)?.[1] ?? '?', problem: 'not a command: <old> <new> <ref>' }
  const [, old = '', id = '', ref = ''] = match
  const name = RefName.safeParse(ref)
  if (!name.success) return { ref, problem: name.error.issues[0]?.message ?? 'not a ref name' }
  return { ref, command: { ref: name.data, old: ObjectId.parse(old), new: ObjectId.parse(id) } }
}

/**
 * Makes a client's text safe for the gate's messages. The ledger keeps messages, and no scan has read this
 * text.
 */
export const messageText = (text: string) =>
  withoutLikelySecrets(printable(text.slice(0, 4_000))).slice(0, 200)

/** Replaces control and invisible characters of foreign text with `?`. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, '?')
}
