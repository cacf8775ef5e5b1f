import type { ChildProcess } from 'node:child_process'
import type { Git } from '../../git/git.ts'
import { killGroup } from '../../process/spawn.ts'
import { ByteReader } from './byte-reader.ts'

export interface ObjectInfo {
  readonly id: string
  readonly type: string
  readonly size: number
}

const NEWLINE = 10
/** Requests that are on their way at once: their answers are small or read as they come. */
const BATCH = 500

/** One `git cat-file --batch-command` for all that a check reads of objects (git-cat-file(1)). */
export class ObjectReader implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #out: ByteReader
  readonly #ended: Promise<void>

  constructor(git: Git, signal: AbortSignal, env?: Readonly<Record<string, string>>) {
    this.#child = git.spawn(['cat-file', '--batch-command', '--buffer'], { signal, ...(env ? { env } : {}) })
    const { stdin, stdout, stderr } = this.#child
    if (!stdin || !stdout || !stderr) throw new Error('git cat-file has no pipes')
    // What it prints there, or a broken pipe, shows as an answer that does not come.
    stderr.resume()
    stdin.on('error', () => {})
    this.#ended = new Promise(resolve => {
      this.#child.once('close', () => resolve())
      this.#child.once('error', () => resolve())
    })
    this.#out = new ByteReader(stdout)
  }

  #ask(lines: readonly string[]): void {
    this.#child.stdin?.write(`${lines.join('\n')}\nflush\n`)
  }

  async #header(name: string): Promise<ObjectInfo | undefined> {
    const line = (await this.#out.until(NEWLINE))?.toString('utf8')
    if (line === undefined) throw new Error('git cat-file ended early')
    if (line.endsWith(' missing')) return undefined
    const [id, type, size] = line.split(' ')
    if (!id || !type || !size || !/^\d+$/.test(size))
      throw new Error(`git cat-file does not answer about ${name}`)
    return { id, type, size: Number(size) }
  }

  /** Type and size of each, in order; undefined for what is not there. */
  async *info(names: readonly string[]): AsyncGenerator<ObjectInfo | undefined> {
    for (let at = 0; at < names.length; at += BATCH) {
      const some = names.slice(at, at + BATCH)
      this.#ask(some.map(name => `info ${name}`))
      for (const name of some) yield await this.#header(name)
    }
  }

  /**
   * Each object in order, its content in parts of up to `partBytes`. A consumer reads the parts of one before it
   * asks for the next; an object that is not there is an error.
   */
  async *contents(
    ids: readonly string[],
    partBytes: number,
  ): AsyncGenerator<ObjectInfo & { parts: AsyncGenerator<Buffer> }> {
    for (let at = 0; at < ids.length; at += BATCH) {
      const some = ids.slice(at, at + BATCH)
      this.#ask(some.map(id => `contents ${id}`))
      for (const id of some) {
        const info = await this.#header(id)
        if (!info) throw new Error(`object ${id} is missing`)
        let left = info.size
        const out = this.#out
        const parts = (async function* () {
          while (left > 0) {
            const part = await out.exactly(Math.min(left, partBytes))
            left -= part.length
            yield part
          }
        })()
        try {
          yield { ...info, parts }
        } finally {
          while (left > 0) left -= (await out.exactly(Math.min(left, 1 << 20))).length
          await out.exactly(1)
        }
      }
    }
  }

  /** One whole object of at most `maxBytes`, or undefined when it is larger or not there. */
  async whole(name: string, maxBytes: number): Promise<(ObjectInfo & { content: Buffer }) | undefined> {
    for await (const info of this.info([name])) {
      if (!info || info.size > maxBytes) return undefined
      for await (const object of this.contents([info.id], maxBytes + 1)) {
        const parts: Buffer[] = []
        for await (const part of object.parts) parts.push(part)
        return { ...info, content: Buffer.concat(parts) }
      }
    }
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killGroup(this.#child)
    // A child counts as closed when nobody holds what it has printed.
    this.#child.stdout?.destroy()
    await this.#ended
  }
}
