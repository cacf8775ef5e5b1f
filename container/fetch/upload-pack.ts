import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reaped } from '../../src/contract/outcome.ts'
import type { PassFor } from '../../src/contract/pass.ts'
import { type Backend, cgiHeadReader, startBackend } from '../git/http-backend.ts'
import { pktLine } from '../git/pkt-line.ts'
import type { Pace } from '../http/idle-deadline.ts'
import { endWithin, gitProtocol } from '../http/push-client.ts'
import { spent } from '../http/release-buffer.ts'
import { type Body, bodyOf, ClientGone, writeTo } from '../http/request-body.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { killGroup } from '../process/spawn.ts'
import { endedBy, type SessionEnd } from '../sessions/session-counts.ts'
import type { Settings } from '../settings.ts'

/** The advertisement of either service, from an up-to-date mirror. */
export async function advertise(
  pass: PassFor<'advertise-upload-pack' | 'advertise-receive-pack'>,
  request: IncomingMessage,
  response: ServerResponse,
  mirror: Mirror,
  settings: Settings,
): Promise<SessionEnd> {
  const service = pass.service === 'advertise-upload-pack' ? 'git-upload-pack' : 'git-receive-pack'
  const protocol = gitProtocol(request.headers['git-protocol'])
  if (service === 'git-upload-pack' && protocol === 'version=2') {
    const body = await capabilitiesOf(mirror)
    response.writeHead(200, {
      'content-type': 'application/x-git-upload-pack-advertisement',
      'cache-control': 'no-cache, max-age=0, must-revalidate',
    })
    response.write(body)
    return endedBy(await endWithin(response, settings.readIdleMs))
  }
  const ended = new AbortController()
  const backend = startBackend(
    mirror.git,
    {
      method: 'GET',
      path: 'info/refs',
      service,
      agent: pass.agent,
      protocol,
      contentEncoding: undefined,
    },
    ended.signal,
  )
  backend.stdin.end()
  return answer(backend, response, settings.readIdleMs)
}

const capabilities = new WeakMap<Mirror, Promise<string>>()

/** What git offers in protocol version 2: it names no ref (gitprotocol-v2(5)), so git is asked for it only once. */
function capabilitiesOf(mirror: Mirror): Promise<string> {
  const known =
    capabilities.get(mirror) ??
    mirror.git.text(['upload-pack', '--http-backend-info-refs', '.'], {
      env: { GIT_PROTOCOL: 'version=2' },
      signal: AbortSignal.timeout(10_000),
    })
  capabilities.set(mirror, known)
  known.catch(() => capabilities.delete(mirror))
  return known
}

/** A fetch's request names what the client wants and has, and is there at once. */
export const fetchPace = (
  settings: Pick<Settings, 'clientIdleMs' | 'commandsMs' | 'minReceiveRate'>,
): Pace => ({
  idleMs: settings.clientIdleMs,
  bytesPerSecond: settings.minReceiveRate,
  withinMs: settings.commandsMs,
})

/** A fetch: the request into git, the pack out at the client's pace. Ends with the client. */
export async function uploadPack(
  pass: PassFor<'git-upload-pack'>,
  request: IncomingMessage,
  response: ServerResponse,
  mirror: Mirror,
  settings: Settings,
  body: Body = bodyOf(request, fetchPace(settings)),
): Promise<SessionEnd> {
  const encoding = request.headers['content-encoding']
  const backend = startBackend(
    mirror.git,
    {
      method: 'POST',
      path: 'git-upload-pack',
      service: 'git-upload-pack',
      agent: pass.agent,
      protocol: gitProtocol(request.headers['git-protocol']),
      contentEncoding: encoding === 'gzip' || encoding === 'x-gzip' ? encoding : undefined,
    },
    new AbortController().signal,
  )
  let unfed: Reaped | undefined
  const feed = async () => {
    try {
      for (let chunk = await body.next(); chunk; chunk = await body.next())
        await writeTo(backend.stdin, chunk)
    } catch (error) {
      if (!(error instanceof ClientGone)) throw error
      unfed = error.how
      request.destroy()
      response.destroy()
    } finally {
      backend.stdin.end()
    }
  }
  const [, end] = await Promise.all([feed(), answer(backend, response, settings.readIdleMs)])
  return unfed && unfed !== 'vanished' ? endedBy(unfed) : end
}

/**
 * Copies a backend's answer to the client and owns both ends: a client that closes, or takes nothing for `idleMs`,
 * ends the processes, which would otherwise block on their full pipe for ever. The head is held back until a byte
 * of the body is there, since a service that fails at once would leave an empty 200.
 */
async function answer(backend: Backend, response: ServerResponse, idleMs: number): Promise<SessionEnd> {
  const { child, stdout, ended } = backend
  const readHead = cgiHeadReader()
  let idle: NodeJS.Timeout | undefined
  let begun = false
  let held: ReturnType<typeof readHead>
  let reaped: Reaped | undefined
  const stop = (why: Reaped) => {
    reaped ??= why
    clearTimeout(idle)
    killGroup(child)
    stdout.destroy()
    response.destroy()
  }
  response.once('close', () => {
    if (!response.writableFinished) stop('vanished')
  })
  if (response.destroyed) stop('vanished')
  const send = (bytes: Buffer) => {
    if (response.write(bytes, error => void (error || spent(bytes)))) return
    stdout.pause()
    idle = setTimeout(stop, idleMs, 'unread')
    response.once('drain', () => {
      clearTimeout(idle)
      stdout.resume()
    })
  }
  stdout.on('data', (chunk: Buffer) => {
    if (begun) return send(chunk)
    if (held) held = { head: held.head, body: Buffer.concat([held.body, chunk]) }
    else held = readHead(chunk)
    if (!held?.body.length || held.head.status !== 200) return
    begun = true
    if (!response.headersSent) response.writeHead(200, Object.fromEntries(held.head.headers))
    send(held.body)
  })
  const { stderr } = await ended
  clearTimeout(idle)
  if (response.destroyed) return endedBy(reaped ?? 'vanished')
  if (begun) return endedBy(await endWithin(response, idleMs))
  // What git would have said is in its stderr: a request it could not read, for example.
  const words =
    stderr
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^fatal: /, '') ?? ''
  refuseFetch(
    response,
    words ? `the request could not be served: ${words}` : 'the request could not be served',
  )
  return { outcome: 'failed' }
}

/** A fetch's refusal, in the form that git prints: an ERR packet (gitprotocol-pack(5)). */
export function refuseFetch(response: ServerResponse, why: string): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  response.writeHead(200, {
    'content-type': 'application/x-git-upload-pack-result',
    'cache-control': 'no-cache',
  })
  response.end(pktLine(`ERR git-gate: ${why}`))
}
