import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { LfsOperation } from '../../../../src/contract/lfs.ts'
import { printable } from '../../../git/command-list.ts'
import { FLUSH, PktLineError } from '../../../git/pkt-line.ts'
import { killWithStreams } from '../../../process/spawn.ts'
import { withAbort } from '../../../process/with-abort.ts'
import type { LinkLease } from '../../link.ts'
import { UpstreamError } from '../../upstream-error.ts'
import { statusError } from '../transport.ts'
import { encodeData, encodeRequest, type Reply, ReplyReader } from './messages.ts'

/** Time for a session to end after its last reply, in milliseconds. Then ssh is killed. */
const END_MS = 2_000

/** Limit of ssh's stderr that is kept, in characters. */
const MAX_SAID = 4_096

/**
 * A session of git-lfs-transfer at an upstream (git-lfs docs/proposals/ssh_adapter.md), for one request at a time.
 * Its methods reject with UpstreamError.
 */
export class LfsSession {
  readonly operation: LfsOperation
  /** Resolves when the process has ended, and its connection's lease with it. */
  readonly ended: Promise<void>
  readonly #child: ChildProcess
  readonly #host: string
  readonly #idleMs: number
  readonly #chunks: AsyncIterator<Buffer>
  readonly #reader: ReplyReader
  #capabilities: ReadonlySet<string> = new Set()
  #stderr = ''
  #isOpen = true
  #isCut = false
  /** True while a request has no whole reply. */
  #isBusy = false
  /** True after a reply that is no success: some servers do not read the rest of such a request. */
  #isSpoiled = false
  #cutReason: unknown

  constructor(
    child: ChildProcess,
    operation: LfsOperation,
    host: string,
    release: LinkLease['release'],
    /** The longest silence of the server, in milliseconds. */
    idleMs: number,
  ) {
    const { stdin, stdout, stderr } = child
    if (!stdin || !stdout || !stderr) throw new Error('ssh has no pipes')
    this.operation = operation
    this.#child = child
    this.#host = host
    this.#idleMs = idleMs
    this.#chunks = stdout[Symbol.asyncIterator]()
    this.#reader = new ReplyReader(this.#chunks)
    stdin.on('error', () => {})
    stdout.on('error', () => {})
    stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-MAX_SAID)
    })
    this.ended = new Promise(resolve =>
      child.once('close', () => {
        this.#isOpen = false
        release({ broken: this.#isCut })
        resolve()
      }),
    )
  }

  get hasLocking(): boolean {
    return this.#capabilities.has('locking')
  }

  /** True if the session can take another request. */
  get isReusable(): boolean {
    const isQuiet = this.#reader.isEmpty && this.#child.stdout?.readableLength === 0
    return this.#isOpen && this.#isRunning && isQuiet && !this.#isBusy && !this.#isSpoiled
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Ssh's exit code and stderr, once the process has ended. */
  get exit(): { readonly code: number | null; readonly stderr: string } {
    return { code: this.#child.exitCode, stderr: this.#stderr }
  }

  /** Agrees on the protocol's version. The request is sent before the server has listed its capabilities. */
  async start(): Promise<void> {
    this.#send(encodeRequest('version 1'))
    this.#capabilities = new Set(await this.#within(this.#idleMs, this.#reader.lines()))
    if (!this.#capabilities.has('version=1'))
      throw new UpstreamError(`the LFS server ${this.#host} does not speak version 1 of the SSH transfer`)
    this.successOf(this.#received(await this.#within(this.#idleMs, this.#reader.reply())))
  }

  /** Sends a request without data. Returns its reply, of any status. */
  async ask(request: Buffer): Promise<Reply> {
    this.#send(request)
    return this.#received(await this.#within(this.#idleMs, this.#reader.reply()))
  }

  /** Sends a request for data. Rejects when its reply is no success. */
  async get(request: Buffer): Promise<AsyncGenerator<Buffer>> {
    this.#send(request)
    const { hasBody, ...head } = await this.#within(this.#idleMs, this.#reader.head())
    if (head.status < 300) return this.#data(hasBody)
    const lines = hasBody ? await this.#within(this.#idleMs, this.#reader.lines()) : []
    throw this.errorOf(this.#received({ ...head, lines }))
  }

  async *#data(hasBody: boolean): AsyncGenerator<Buffer> {
    while (hasBody) {
      const packet = await this.#within(this.#idleMs, this.#reader.data())
      if (!packet) break
      yield packet
    }
    this.#isBusy = false
  }

  /** Sends a request with data. The server may take `answerMs` milliseconds for its reply to the whole data. */
  async put(command: Buffer, body: Readable, answerMs: number): Promise<Reply> {
    this.#send(command)
    let isAnswered = false
    let stopWaiting = () => {}
    const answer = this.#reader.reply().finally(() => {
      isAnswered = true
      stopWaiting()
    })
    answer.catch(() => {})
    for await (const chunk of body as AsyncIterable<Buffer>) {
      // A server may refuse an object before it has read the object, and then read no more.
      if (isAnswered) break
      // A server that has refused it may also be gone, and its answer has the reason.
      const written: Promise<unknown> = this.#write(encodeData(chunk)).catch(() => answer)
      // Promise.race would keep a callback for each chunk until the answer.
      const next = new Promise<void>((resolve, reject) => {
        stopWaiting = resolve
        written.then(() => resolve(), reject)
      })
      await this.#within(this.#idleMs, next)
    }
    if (!isAnswered || body.readableEnded) this.#child.stdin?.write(FLUSH)
    else this.#isSpoiled = true
    const reply = this.successOf(this.#received(await this.#within(answerMs, answer)))
    if (this.#isSpoiled)
      throw new UpstreamError(`the LFS server ${this.#host} does not take the whole object; try again later`)
    return reply
  }

  /** Returns a reply that is a success. */
  successOf(reply: Reply): Reply {
    if (reply.status < 300) return reply
    throw this.errorOf(reply)
  }

  errorOf({ status, lines }: Reply): UpstreamError {
    return statusError(this.#host, status, lines.join(' '))
  }

  /** Ends the session when this signal aborts, until the returned function is called. */
  cutOn(signal: AbortSignal): () => void {
    const cut = () => this.cut(signal.reason)
    if (signal.aborted) cut()
    signal.addEventListener('abort', cut, { once: true })
    return () => signal.removeEventListener('abort', cut)
  }

  /** Kills ssh. Later methods reject with the reason. */
  cut(reason?: unknown): void {
    this.#cutReason ??= reason
    this.#isCut ||= this.#isRunning
    this.#isOpen = false
    killWithStreams(this.#child)
  }

  /** Ends the session: by the protocol between two requests, by a signal in the middle of one. */
  end(): void {
    if (!this.#isOpen) return
    if (this.#isBusy) return this.cut()
    this.#isOpen = false
    this.#child.stdin?.end(encodeRequest('quit'))
    this.#drain().catch(() => {})
    const late = setTimeout(() => this.cut(), END_MS)
    this.ended.then(() => clearTimeout(late))
  }

  async #drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }

  #send(request: Buffer): void {
    this.#isBusy = true
    this.#child.stdin?.write(request)
  }

  #received(reply: Reply): Reply {
    this.#isBusy = false
    this.#isSpoiled ||= reply.status >= 300
    return reply
  }

  /** Resolves when ssh has taken these bytes. */
  #write(parts: readonly Buffer[]): Promise<void> {
    const { stdin } = this.#child
    return new Promise((resolve, reject) => {
      stdin?.cork()
      for (const part of parts) stdin?.write(part)
      stdin?.write('', error => (error ? reject(error) : resolve()))
      stdin?.uncork()
    })
  }

  async #within<T>(ms: number, work: Promise<T>): Promise<T> {
    const silent = `the LFS server ${this.#host} cannot be reached (it does not answer); try again later`
    const late = setTimeout(() => this.cut(new UpstreamError(silent)), ms)
    try {
      return await work
    } catch (error) {
      throw await this.#failureOf(error)
    } finally {
      clearTimeout(late)
    }
  }

  async #failureOf(error: unknown): Promise<unknown> {
    if (error instanceof PktLineError)
      this.cut(new UpstreamError(`the LFS server ${this.#host} answers in a way that cannot be read`))
    if (this.#cutReason !== undefined) return this.#cutReason
    // Ssh says why its streams have ended.
    await withAbort(this.ended, AbortSignal.timeout(END_MS)).catch(() => this.cut())
    const lastLine = this.#stderr.split('\n').findLast(line => line.trim() !== '') ?? 'the session ended'
    return new UpstreamError(
      `the LFS server ${this.#host} ended in the middle of its work (${printable(lastLine.trim()).slice(0, 300)}); try again later`,
    )
  }
}
