import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from '../git/command-list.ts'
import { FLUSH, PktLines, pktLine } from '../git/pkt-line.ts'
import { killWithStreams, type ProcessResult } from '../process/spawn.ts'
import type { OpenPack } from './received-pack.ts'
import { type LineReader, readUpstreamLines } from './upstream-lines.ts'
import type { ListedReceivePack } from './upstream-session.ts'

/** Time for upstream's session to end after its report, in milliseconds. */
const END_MS = 2_000

/** Limit of a reason in upstream's report, in characters. */
const MAX_REASON = 1_000

/** The errors of a pipe whose other end reads no more. */
const UNREAD = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'])

/** A push that is sent over an open session of upstream's git-receive-pack. */
export interface SentPush {
  readonly pid: number
  /** The report in the form of `git push --porcelain`. Rejects with the deadline's reason. */
  readonly ended: Promise<ProcessResult>
}

/**
 * Sends commands, push options and pack (gitprotocol-pack(5)). Upstream compares each ref with the old value that the
 * agent saw, and replaces exactly that value; several refs are replaced atomically. `onLine` receives the lines of upstream's
 * output.
 */
export function sendPush(
  session: ListedReceivePack,
  commands: readonly Command[],
  pushOptions: readonly string[],
  openPack: OpenPack,
  onLine: (line: string) => void,
  deadline: AbortSignal,
): SentPush {
  const { child, release } = session
  const report = new ReportReader(commands, onLine)
  const request = Buffer.concat(requestOf(session, commands, pushOptions))
  const ended = new Promise<ProcessResult>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const stop = () => killWithStreams(child)
    deadline.addEventListener('abort', stop, { once: true })
    if (deadline.aborted) stop()
    child.stdout?.on('data', (chunk: Buffer) => {
      if (report.push(chunk)) timer ??= setTimeout(stop, END_MS)
    })
    child.once('close', () => {
      clearTimeout(timer)
      deadline.removeEventListener('abort', stop)
      release({ broken: !report.isWhole })
      if (deadline.aborted && !report.isWhole) reject(deadline.reason)
      else resolve(report.result(session.stderr()))
    })
    send(session, request, openPack()).catch((error: NodeJS.ErrnoException) => {
      // Upstream may refuse a push before it has read the pack, and its report says why.
      if (!UNREAD.has(error.code ?? '')) stop()
    })
  })
  return { pid: child.pid ?? -1, ended }
}

async function send(
  { child: { stdin, stdout } }: ListedReceivePack,
  request: Buffer,
  pack: Readable,
): Promise<void> {
  if (!stdin) throw new Error('ssh has no pipes')
  stdout?.resume()
  stdin.write(request)
  await pipeline(pack, stdin)
}

function requestOf(
  { capabilities }: ListedReceivePack,
  commands: readonly Command[],
  pushOptions: readonly string[],
): Buffer[] {
  const wanted = [
    'report-status',
    'side-band-64k',
    'agent=git-gate',
    ...['object-format=sha1', 'quiet'].filter(word => capabilities.has(word)),
    ...(commands.length > 1 ? ['atomic'] : []),
    ...(pushOptions.length > 0 ? ['push-options'] : []),
  ]
  const lines = commands.map(({ old, new: id, ref }, i) =>
    pktLine(`${old} ${id} ${ref}${i === 0 ? `\0 ${wanted.join(' ')}` : ''}`),
  )
  const options = pushOptions.length > 0 ? [...pushOptions.map(pktLine), FLUSH] : []
  return [...lines, FLUSH, ...options]
}

/** Reads the side bands of upstream's answer, and the report in the first of them. */
class ReportReader {
  readonly #commands: readonly Command[]
  readonly #refs: ReadonlySet<string>
  readonly #lines: LineReader
  readonly #bands = new PktLines()
  readonly #report = new PktLines()
  readonly #states = new Map<string, string>()
  #unpack = ''
  #fatal = ''
  #hasReport = false
  /** True: upstream has ended its answer, with a report. */
  isWhole = false

  constructor(commands: readonly Command[], onLine: (line: string) => void) {
    this.#commands = commands
    this.#refs = new Set(commands.map(({ ref }) => ref))
    this.#lines = readUpstreamLines(onLine)
  }

  /** Takes bytes. Returns true once the answer is over, or cannot be read. */
  push(chunk: Buffer): boolean {
    if (this.isWhole || this.#fatal) return true
    try {
      this.#bands.push(chunk)
      for (let packet = this.#bands.next(); packet !== undefined; packet = this.#bands.next()) {
        if (packet === 'flush') {
          this.isWhole = this.#hasReport
          return true
        }
        this.#accept(packet[0] ?? 0, packet.subarray(1))
      }
    } catch (error) {
      this.#fatal = `fatal: ${error instanceof Error ? error.message : error}\n`
    }
    return this.#fatal !== ''
  }

  #accept(band: number, bytes: Buffer): void {
    if (band === 2) this.#lines.push(bytes)
    else if (band === 3) this.#fatal = `remote: ${bytes.toString('utf8').trim()}\n`
    else if (band === 1) {
      this.#report.push(bytes)
      for (let packet = this.#report.next(); packet !== undefined; packet = this.#report.next())
        if (packet === 'flush') this.#hasReport = true
        else this.#takeReportLine(packet.toString('utf8').replace(/\n$/, ''))
    }
  }

  #takeReportLine(line: string): void {
    const [, word, name = '', reason = ''] = /^(unpack|ok|ng) (\S+)(?: (.*))?$/s.exec(line) ?? []
    if (word === 'unpack') this.#unpack = line.slice('unpack '.length, MAX_REASON)
    else if (!this.#refs.has(name)) return
    else if (word === 'ok') this.#states.set(name, '')
    else if (word === 'ng')
      this.#states.set(name, `[remote rejected] (${reason.slice(0, MAX_REASON) || 'failed'})`)
  }

  /** Returns the lines and the exit code of `git push --porcelain` for the same answer. */
  result(output: string): ProcessResult {
    this.#lines.end()
    const stderr = output + this.#fatal
    if (!this.#hasReport) {
      const words = `${stderr}fatal: the remote end hung up unexpectedly\n`
      return { code: 128, signal: null, stdout: Buffer.alloc(0), stderr: words }
    }
    const isUnpacked = this.#unpack === 'ok'
    const summaries = this.#commands.map(command => {
      const status = this.#states.get(command.ref) ?? '[remote failure] (remote failed to report status)'
      return { command, summary: status || (isUnpacked ? '' : '[remote rejected] (unpacker error)') }
    })
    const lines = summaries.map(({ command: { ref, new: id }, summary }) =>
      summary ? `!\t${id}:${ref}\t${summary}\n` : ` \t${id}:${ref}\t[ok]\n`,
    )
    const unpack = isUnpacked ? '' : `error: remote unpack failed: ${this.#unpack}\n`
    const code = summaries.every(({ summary }) => summary === '') ? 0 : 1
    return { code, signal: null, stdout: Buffer.from(lines.join('')), stderr: unpack + stderr }
  }
}

/** Upstream lacks an object on which the received pack builds: git makes another pack then. */
export const lacksObjects = ({ stdout }: ProcessResult): boolean =>
  stdout.toString('utf8').includes('(missing necessary objects)')
