import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { DisconnectReason } from '../../src/contract/outcome.ts'
import type { Pace } from '../client/idle-deadline.ts'
import { contentOf, UnreadableBody } from '../client/inflate-body.ts'
import { releaseBuffer } from '../client/release-buffer.ts'
import { type Body, ClientGone, peekBody, readBody, writeWithBackpressure } from '../client/request-body.ts'
import { endWithTimeout } from '../client/response-end.ts'
import {
  type Backend,
  createCgiHeaderParser,
  MAX_REQUEST_BYTES,
  spawnHttpBackend,
  TOO_MANY_NAMES,
} from '../git/http-backend.ts'
import { pktLine } from '../git/pkt-line.ts'
import { gitProtocol } from '../git/protocol-version.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { saysOutOfMemory } from '../process/memory-limit.ts'
import { killGroup } from '../process/spawn.ts'
import { type SessionEnd, sessionEndOf } from '../sessions/session-counts.ts'
import type { Settings } from '../settings.ts'
import type { ResponseSource } from './response-source.ts'
import type { SharedResponses } from './shared-responses.ts'

/** The parts that serve a fetch from a mirror. */
export interface UploadPackDependencies {
  readonly mirror: Mirror
  readonly settings: Settings
  readonly sharedResponses: SharedResponses
}

/** Timeouts and minimum rate of a fetch's request: a list of object ids, which the client sends at once. */
export const fetchPace = (
  settings: Pick<Settings, 'clientIdleMs' | 'commandsMs' | 'minReceiveRate'>,
): Pace => ({
  idleMs: settings.clientIdleMs,
  bytesPerSecond: settings.minReceiveRate,
  withinMs: settings.commandsMs,
})

/** Git's idle timeout, as a multiple of the client's. */
const SILENT_FACTOR = 2

/** Largest request whose response is shared, in bytes. */
const MAX_SHARED_REQUEST_BYTES = 64 << 10

/**
 * Serves a fetch: takes the response from a git of its own, or from a git that serves equal requests too, and
 * streams it with backpressure. A git of its own is killed if the client disconnects.
 */
export async function uploadPack(
  pass: PassFor<'git-upload-pack'>,
  request: IncomingMessage,
  response: ServerResponse,
  { mirror, settings, sharedResponses }: UploadPackDependencies,
  body: Body = contentOf(request, readBody(request, fetchPace(settings))),
): Promise<SessionEnd> {
  const protocol = gitProtocol(request.headers['git-protocol'])
  const silentMs = SILENT_FACTOR * settings.readIdleMs
  const start = () => startUploadPack(mirror, pass.agent, protocol)
  const peeked = await peekBody(body, MAX_SHARED_REQUEST_BYTES)
  const shared =
    peeked.whole &&
    (await sharedResponses.find(mirror, { protocol, body: peeked.whole }, () => {
      const backend = start()
      watchSilence(backend, silentMs, () => killGroup(backend.child))
      backend.stdin.end(peeked.whole)
      return backend
    }))
  if (shared) return streamResponse(shared, response, settings.readIdleMs)
  const backend = start()
  const fed = feed(peeked.body, backend).catch((error: unknown) => {
    killGroup(backend.child)
    if (!(error instanceof ClientGone)) throw error
    request.destroy()
    response.destroy()
    return error
  })
  let isStuck = false
  const onStuck = () => {
    isStuck = true
    killGroup(backend.child)
  }
  fed.then(
    () => watchSilence(backend, silentMs, onStuck),
    () => {},
  )
  const ended = streamResponse(sourceOf(backend), response, settings.readIdleMs, async () => {
    const problem = await fed
    if (problem instanceof UnreadableBody) return problem.message
    return isStuck ? 'git found no answer in time; fetch less at once' : undefined
  })
  const [problem, end] = await Promise.all([fed, ended])
  return problem instanceof ClientGone && problem.reason !== 'disconnected'
    ? sessionEndOf(problem.reason)
    : end
}

const startUploadPack = (mirror: Mirror, agent: string, protocol: string | undefined) =>
  spawnHttpBackend(
    mirror.git,
    { method: 'POST', path: 'git-upload-pack', service: 'git-upload-pack', agent, protocol },
    new AbortController().signal,
  )

export const sourceOf = ({ child, stdout, ended }: Backend): ResponseSource => ({
  stdout,
  recycle: releaseBuffer,
  ended,
  stop() {
    killGroup(child)
    stdout.destroy()
  },
})

/**
 * Calls `stuck` if git is silent for `withinMs`. Git sends a keepalive every few seconds
 * (uploadpack.keepAlive) once it has read the client's wants and haves. The timer stops while the client
 * takes no data, because git cannot write then.
 */
function watchSilence({ child, stdout }: Backend, withinMs: number, onStuck: () => void): void {
  let timer: NodeJS.Timeout | undefined
  const stop = () => clearTimeout(timer)
  const begin = () => {
    stop()
    timer = setTimeout(onStuck, withinMs)
  }
  if (child.exitCode !== null || child.signalCode !== null) return
  begin()
  stdout.on('data', begin).on('resume', begin).on('pause', stop)
  child.once('close', () => {
    stop()
    stdout.off('data', begin).off('resume', begin)
  })
}

/**
 * Writes the request to git, which reads all of it before it acts. Returns the reason if the request is
 * refused.
 */
async function feed(body: Body, { child, stdin }: Backend): Promise<UnreadableBody | undefined> {
  let bytes = 0
  try {
    for (let chunk = await body.read(); chunk; chunk = await body.read()) {
      bytes += chunk.length
      if (bytes > MAX_REQUEST_BYTES) throw new UnreadableBody(TOO_MANY_NAMES)
      await writeWithBackpressure(stdin, chunk)
    }
    stdin.end()
    return undefined
  } catch (error) {
    if (!(error instanceof UnreadableBody)) throw error
    killGroup(child)
    // Git reads a response only after it has sent its request.
    await body.drain()
    return error
  }
}

/**
 * Streams git's response to the client, and owns both ends. A client that disconnects, or takes no data for
 * `idleMs`, ends the git processes, which would otherwise block on a full pipe. The HTTP headers are withheld
 * until the first byte of the body: a service that fails at once would leave an empty 200.
 */
export async function streamResponse(
  { stdout, recycle, ended, stop: stopSource }: ResponseSource,
  response: ServerResponse,
  idleMs: number,
  /** Returns the reason why git did not get its whole request, if it did not. */
  inputError: () => Promise<string | undefined> = async () => undefined,
): Promise<SessionEnd> {
  const readHead = createCgiHeaderParser()
  let idle: NodeJS.Timeout | undefined
  let hasStarted = false
  let pendingHead: ReturnType<typeof readHead>
  let disconnectReason: DisconnectReason | undefined
  const stop = (reason: DisconnectReason) => {
    disconnectReason ??= reason
    clearTimeout(idle)
    stopSource()
    response.destroy()
  }
  response.once('close', () => {
    if (!response.writableFinished) stop('disconnected')
  })
  if (response.destroyed) stop('disconnected')
  const send = (bytes: Buffer) => {
    if (response.write(bytes, error => void (error || recycle(bytes)))) return
    stdout.pause()
    idle = setTimeout(stop, idleMs, 'write-timeout')
    response.once('drain', () => {
      clearTimeout(idle)
      stdout.resume()
    })
  }
  stdout.on('data', (chunk: Buffer) => {
    if (hasStarted) return send(chunk)
    if (pendingHead) pendingHead = { head: pendingHead.head, body: Buffer.concat([pendingHead.body, chunk]) }
    else pendingHead = readHead(chunk)
    if (!pendingHead?.body.length || pendingHead.head.status !== 200) return
    hasStarted = true
    if (!response.headersSent) response.writeHead(200, Object.fromEntries(pendingHead.head.headers))
    send(pendingHead.body)
  })
  const { stderr } = await ended
  clearTimeout(idle)
  if (response.destroyed) return sessionEndOf(disconnectReason ?? 'disconnected')
  if (hasStarted) return sessionEndOf(await endWithTimeout(response, idleMs))
  const problem = await inputError()
  sendErrPacket(response, problem ?? `the request could not be served${lastWords(stderr)}`)
  return { outcome: 'failed' }
}

/**
 * Returns the last line of git's stderr as a suffix: the reason for a failure, for example a malformed
 * request.
 */
function lastWords(stderr: string): string {
  if (saysOutOfMemory(stderr))
    return ': git needs more memory for it than the gate gives it; fetch less at once'
  const words = stderr
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/^fatal: /, '')
  return words ? `: ${words}` : ''
}

/**
 * Refuses a fetch with an ERR packet, which git prints (gitprotocol-pack(5)). If the response has begun, the
 * connection is closed instead.
 */
export function sendErrPacket(response: ServerResponse, reason: string): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  response.writeHead(200, {
    'content-type': 'application/x-git-upload-pack-result',
    'cache-control': 'no-cache',
  })
  response.end(pktLine(`ERR git-gate: ${reason}`))
}
