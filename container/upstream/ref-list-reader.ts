import type { MirroredRefs } from '../../src/contract/mirrored-refs.ts'
import { FORMAT_NAME, formatOf, type ObjectFormat } from '../git/objects/object-format.ts'
import { PktLineError, PktLines } from '../git/pkt-line.ts'
import type { UpstreamRefs } from './upstream-refs.ts'

/** Upstream's refs, and whether it can report the branch of an unborn HEAD. */
export interface Answer extends UpstreamRefs {
  readonly supportsUnborn: boolean
  /** The lines of its capabilities in protocol version 2. */
  readonly capabilities: readonly string[]
}

/** Upstream's object format is not that of the request. */
export class OtherFormat extends Error {
  readonly format: ObjectFormat
  constructor(format: ObjectFormat) {
    super(`the upstream has ${FORMAT_NAME[format]} object ids`)
    this.format = format
  }
}

/** Parses the ref list of any protocol version. */
export class RefListReader {
  readonly #packets = new PktLines()
  readonly #refs = new Map<string, string>()
  readonly #peeled = new Map<string, string>()
  readonly #symbolic = new Set<string>()
  readonly #capabilities: string[] = []
  readonly #wanted: MirroredRefs
  readonly #askedFormat: ObjectFormat
  /** git of before SHA-256 names no format. */
  #format: ObjectFormat = 'sha1'
  #head: string | undefined
  #state: 'start' | 'capabilities' | 'listed' | 'advertised' = 'start'

  constructor(wanted: MirroredRefs, askedFormat: ObjectFormat) {
    this.#wanted = wanted
    this.#askedFormat = askedFormat
  }

  /**
   * Takes bytes, and returns the list once it is complete. Throws PktLineError on an invalid packet, or with
   * upstream's message after `ERR`; OtherFormat if upstream cannot answer the request for its object format.
   */
  push(chunk: Buffer): Answer | undefined {
    this.#packets.push(chunk)
    while (this.#packets.takeLines(line => this.#accept(line))) if (this.#isComplete()) return this.answer()
    return undefined
  }

  /** Takes a line `<id> <name>` of a remote helper's list (gitremote-helpers(7)). */
  takeHelperLine(line: string): void {
    const [value = '', name = ''] = line.split(' ')
    if (value.startsWith('@')) {
      if (name === 'HEAD') this.#head = value.slice(1)
    } else {
      this.#format = formatOf(value)
      if (name !== 'HEAD') this.#addRef(name, value)
    }
  }

  answer(): Answer {
    return {
      objectFormat: this.#format,
      refs: this.#refs,
      head: this.#head,
      peeled: this.#peeled,
      symbolic: this.#symbolic,
      supportsUnborn: this.#capabilities.some(line => /^ls-refs=(\S+ )?unborn\b/.test(line)),
      capabilities: this.#capabilities,
    }
  }

  /** Takes a flush. Returns true if it ends the list. */
  #isComplete(): boolean {
    if (this.#state !== 'capabilities') return true
    if (this.#format !== this.#askedFormat) throw new OtherFormat(this.#format)
    this.#state = 'listed'
    return false
  }

  #accept(line: string): void {
    if (this.#state !== 'listed' && /(^|[ \0])object-format=sha256\b/.test(line)) this.#format = 'sha256'
    if (line.startsWith('ERR ')) throw new PktLineError(line.slice(4))
    if (this.#state === 'start' && line === 'version 2') this.#state = 'capabilities'
    if (this.#state === 'capabilities') this.#capabilities.push(line)
    else if (this.#state === 'listed') this.#listed(line)
    else if (line !== 'version 1') this.#advertised(line)
  }

  /** Parses `<id> <name> [symref-target:<name>] [peeled:<id>]`. The id of an unborn HEAD is `unborn`. */
  #listed(line: string): void {
    const space = line.indexOf(' ')
    // Most refs have no attributes.
    if (space > 0 && line.startsWith('refs/', space + 1) && line.indexOf(' ', space + 1) < 0) {
      const ref = line.slice(space + 1)
      if (this.#wanted.has(ref)) this.#refs.set(ref, line.slice(0, space))
      return
    }
    const [id, name, ...attributes] = line.split(' ')
    if (!id || !name) throw new PktLineError('upstream lists its refs in a way that cannot be read')
    const target = attributes.find(a => a.startsWith('symref-target:'))?.slice('symref-target:'.length)
    if (name === 'HEAD') this.#head = target ?? id
    else {
      this.#addRef(name, id)
      if (target !== undefined) this.#symbolic.add(name)
      const peeled = attributes.find(a => a.startsWith('peeled:'))
      if (peeled) this.#addRef(`${name}^{}`, peeled.slice('peeled:'.length))
    }
  }

  /** Parses `<id> <name>`. The first line continues with `\0` and the capabilities. */
  #advertised(line: string): void {
    this.#state = 'advertised'
    const [ref = '', capabilities] = line.split('\0')
    const [id, name] = ref.split(' ')
    if (!id || !name) throw new PktLineError('upstream lists its refs in a way that cannot be read')
    if (capabilities !== undefined) this.#head = /(?:^| )symref=HEAD:(\S+)/.exec(capabilities)?.[1]
    this.#addRef(name, id)
  }

  #addRef(name: string, id: string): void {
    const isPeeled = name.endsWith('^{}')
    const ref = isPeeled ? name.slice(0, -'^{}'.length) : name
    if (this.#wanted.has(ref)) (isPeeled ? this.#peeled : this.#refs).set(ref, id)
  }
}
