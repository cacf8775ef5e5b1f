import type { ChildProcess } from 'node:child_process'
import type { Git } from '../../git/git.ts'
import { type Change, deltaChange } from '../../git/objects/delta-change.ts'
import { LARGE_BLOB_BYTES, wholeBlob } from '../../git/objects/whole-blob.ts'
import { killGroup } from '../../process/spawn.ts'
import { ByteReader, joined } from './byte-reader.ts'

export interface ObjectInfo {
  readonly id: string
  readonly type: string
  readonly size: number
}

const NEWLINE = 10
/** The number of requests in flight. Their responses are small, or read as they come. */
const BATCH = 500

/** A `git cat-file --batch-command` process (git-cat-file(1)). */
class CatFile {
  readonly #child: ChildProcess
  readonly out: ByteReader
  readonly #ended: Promise<void>
  /** The responses that are requested and not read to their end. */
  pending = 0

  constructor(git: Git) {
    // Each reader that takes the process over has a signal of its own.
    const { signal } = new AbortController()
    this.#child = git.spawn(['cat-file', '--batch-command', '--buffer'], { signal })
    const { stdin, stdout, stderr } = this.#child
    if (!stdin || !stdout || !stderr) throw new Error('git cat-file has no pipes')
    // A failure of git shows as a missing response on stdout, so stderr and broken pipes are ignored.
    stderr.resume()
    stdin.on('error', () => {})
    this.#ended = new Promise(resolve => {
      this.#child.once('close', () => resolve())
      this.#child.once('error', () => resolve())
    })
    this.out = new ByteReader(stdout)
  }

  ask(lines: readonly string[]): void {
    this.pending += lines.length
    this.#child.stdin?.write(`${lines.join('\n')}\nflush\n`)
  }

  get isIdle(): boolean {
    return this.pending === 0 && this.#child.exitCode === null && this.#child.signalCode === null
  }

  kill(): void {
    killGroup(this.#child)
  }

  async end(): Promise<void> {
    this.kill()
    // Node emits 'close' only after all of the child's stdout is read or destroyed.
    this.#child.stdout?.destroy()
    await this.#ended
  }
}

/** The idle processes that the next reader of the same git takes over. */
const idleProcesses = new WeakMap<Git, CatFile[]>()

/** Lets the readers of this git, one after the other, use the same process, until it is disposed of. */
export function shareReaders(git: Git): AsyncDisposable {
  const idle: CatFile[] = []
  idleProcesses.set(git, idle)
  return {
    async [Symbol.asyncDispose]() {
      idleProcesses.delete(git)
      await Promise.all(idle.map(each => each.end()))
    },
  }
}

/** Reads objects for a check. Its process is killed when the signal aborts. */
export class ObjectReader implements AsyncDisposable {
  readonly #git: Git
  readonly #process: CatFile
  readonly #signal: AbortSignal
  readonly #stop: () => void

  constructor(git: Git, signal: AbortSignal) {
    this.#git = git
    const process = idleProcesses.get(git)?.pop() ?? new CatFile(git)
    this.#process = process
    this.#signal = signal
    this.#stop = () => process.kill()
    if (signal.aborted) this.#stop()
    signal.addEventListener('abort', this.#stop, { once: true })
  }

  async #header(name: string): Promise<ObjectInfo | undefined> {
    const line = (await this.#process.out.until(NEWLINE))?.toString('utf8')
    if (line === undefined) throw new Error('git cat-file ended early')
    if (line.endsWith(' missing')) return undefined
    const [id, type, size] = line.split(' ')
    if (!id || !type || !size || !/^\d+$/.test(size))
      throw new Error(`git cat-file does not answer about ${name}`)
    return { id, type, size: Number(size) }
  }

  /** Yields the type and size of each object in order, or undefined for a missing object. */
  async *info(names: readonly string[]): AsyncGenerator<ObjectInfo | undefined> {
    for (let start = 0; start < names.length; start += BATCH) {
      const some = names.slice(start, start + BATCH)
      this.#process.ask(some.map(name => `info ${name}`))
      for (const name of some) {
        const info = await this.#header(name)
        this.#process.pending -= 1
        yield info
      }
    }
  }

  /**
   * Yields each object in order, its content in parts of up to `partBytes`. The caller reads the parts of an
   * object before it asks for the next. Throws when an object is missing.
   */
  async *contents(
    ids: readonly string[],
    partBytes: number,
  ): AsyncGenerator<ObjectInfo & { parts: AsyncGenerator<Buffer> }> {
    const { out } = this.#process
    for (let start = 0; start < ids.length; start += BATCH) {
      const some = ids.slice(start, start + BATCH)
      this.#process.ask(some.map(id => `contents ${id}`))
      for (const id of some) {
        const info = await this.#header(id)
        if (!info) throw new Error(`object ${id} is missing`)
        let remaining = info.size
        const parts = (async function* () {
          while (remaining > 0) {
            const part = await out.exactly(Math.min(remaining, partBytes))
            remaining -= part.length
            yield part
          }
        })()
        try {
          yield { ...info, parts }
        } finally {
          while (remaining > 0) remaining -= (await out.exactly(Math.min(remaining, 1 << 20))).length
          await out.exactly(1)
          this.#process.pending -= 1
        }
      }
    }
  }

  /** Returns the whole object of at most `maxBytes`, or undefined when it is larger or missing. */
  async whole(name: string, maxBytes: number): Promise<(ObjectInfo & { content: Buffer }) | undefined> {
    for await (const info of this.info([name])) {
      if (!info || info.size > maxBytes) return undefined
      return { ...info, content: await this.#content(info.id, maxBytes) }
    }
    return undefined
  }

  /** Returns the content of a blob of at most `maxBytes`, or undefined when it is larger or missing. */
  async blob(id: string, maxBytes: number): Promise<Buffer | undefined> {
    for await (const info of this.info([id])) {
      if (!info || info.size > maxBytes) return undefined
      return (await this.largeBlob(id, info.size, maxBytes)) ?? this.#content(id, maxBytes)
    }
    return undefined
  }

  async #content(id: string, maxBytes: number): Promise<Buffer> {
    const content: Buffer[] = []
    for await (const { parts } of this.contents([id], maxBytes + 1))
      for await (const part of parts) content.push(part)
    return joined(content)
  }

  /** Returns the content of a blob of this size past git, where it is large and not more than `maxBytes`. */
  async largeBlob(id: string, size: number, maxBytes: number): Promise<Buffer | undefined> {
    return size >= LARGE_BLOB_BYTES && size <= maxBytes ? wholeBlob(this.#git, id, size) : undefined
  }

  /** Returns where a large blob of this size differs from the blob that it replaces, if a pack tells. */
  async largeChange(id: string, size: number, old: string): Promise<Change | undefined> {
    return size >= LARGE_BLOB_BYTES ? deltaChange(this.#git, id, size, old) : undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#stop)
    const idle = idleProcesses.get(this.#git)
    if (idle && !this.#signal.aborted && this.#process.isIdle) idle.push(this.#process)
    else await this.#process.end()
  }
}
