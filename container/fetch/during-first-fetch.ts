import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { Pace } from '../client/idle-deadline.ts'
import { contentOf, UnreadableBody } from '../client/inflate-body.ts'
import { ClientGone, readBody } from '../client/request-body.ts'
import { disconnectSignal, sendWithTimeout } from '../client/response-end.ts'
import { PktLineError, PktLines, pktLine } from '../git/pkt-line.ts'
import { gitProtocol } from '../git/protocol-version.ts'
import type { Mirror } from '../mirror/mirror.ts'
import type { FirstFetch } from '../mirror/refresh.ts'
import { withAbort } from '../process/with-abort.ts'
import { type SessionEnd, sessionEndOf } from '../sessions/session-counts.ts'
import type { Settings } from '../settings.ts'
import { lsRefs } from '../upstream/ls-refs.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { fetchPace, sendErrPacket, type UploadPackDependencies, uploadPack } from './upload-pack.ts'

/** Delay before a client is told that the repository is still being fetched, in milliseconds. */
const QUIET_MS = 2_000
/**
 * Interval of packets to a waiting client, in milliseconds. They keep proxies from closing an idle
 * connection.
 */
const KEEPALIVE_MS = 2_000
/** Number of intervals per progress line; the other packets are empty. */
const PACKETS_PER_LINE = 3
/** Limit of a request that is held in memory while it waits for the repository, in bytes. */
const MAX_HELD_BYTES = 8 << 20

/** Formats git's latest progress as a suffix for the gate's own message. */
const progressSuffix = ({ progress }: FirstFetch) => (progress.now ? `: ${progress.now}` : '')

/**
 * Waits for a mirror's refresh. The first fetch can take long. A client of protocol v2 continues then after
 * QUIET_MS, because the responses to its next requests report progress. Other clients cannot be told anything
 * before the advertisement: after `firstFetchWaitMs` they get a 503 with the reason, and the first fetch
 * continues. Rejects with the error of the refresh.
 */
export async function waitForMirror(
  pass: PassFor<'advertise-upload-pack' | 'advertise-receive-pack'>,
  request: IncomingMessage,
  mirror: Mirror,
  refreshed: Promise<void>,
  { firstFetchWaitMs }: Pick<Settings, 'firstFetchWaitMs'>,
): Promise<{ ok: true } | { ok: false; reason: string; retryAfter: number }> {
  const canReportProgress = pass.service === 'advertise-upload-pack' && speaksV2(request)
  for (let waitMs = canReportProgress ? QUIET_MS : firstFetchWaitMs; ; waitMs = QUIET_MS) {
    const late = AbortSignal.timeout(waitMs)
    try {
      await withAbort(refreshed, late)
      return { ok: true }
    } catch (error) {
      if (error !== late.reason) throw error
    }
    const { firstFetch } = mirror
    if (!firstFetch) continue
    refreshed.catch(() => {})
    if (canReportProgress) return { ok: true }
    return {
      ok: false,
      reason: `${pass.repository.name} is on its way from its upstream${progressSuffix(firstFetch)}; nothing was changed; try again in ${RETRY_SECONDS} s`,
      retryAfter: RETRY_SECONDS,
    }
  }
}

const RETRY_SECONDS = 30

const speaksV2 = (request: IncomingMessage) => gitProtocol(request.headers['git-protocol']) === 'version=2'

/**
 * Serves a fetch while the mirror's first fetch is running. `ls-refs` is answered from upstream's list of
 * refs. Other requests wait; a client that sends `sideband-all` is sent progress until git can serve it
 * (gitprotocol-v2(5)).
 */
export async function serveDuringFirstFetch(
  pass: PassFor<'git-upload-pack'>,
  request: IncomingMessage,
  response: ServerResponse,
  dependencies: UploadPackDependencies,
  firstFetch: FirstFetch,
): Promise<SessionEnd> {
  const { settings } = dependencies
  const body = await wholeBody(request, fetchPace(settings))
  if (body instanceof ClientGone) {
    response.destroy()
    return sessionEndOf(body.reason)
  }
  if (body instanceof UnreadableBody) {
    sendErrPacket(response, body.message)
    return { outcome: 'failed' }
  }
  const lines = speaksV2(request) ? linesOf(body) : []
  if (lines.includes('command=ls-refs')) {
    begin(response)
    const refs = lsRefs(firstFetch.refs, lines)
    return sessionEndOf(await sendWithTimeout(response, refs, settings.readIdleMs))
  }
  const progress = lines.includes('sideband-all')
    ? startProgress(pass, response, lines, firstFetch)
    : undefined
  try {
    await withAbort(firstFetch.done, disconnectSignal(response))
  } catch (error) {
    if (!progress || !(error instanceof UpstreamError)) throw error
    response.end(pktLine(`\x03git-gate: ${error.message}\n`))
    return { outcome: 'failed' }
  } finally {
    progress?.end()
  }
  return uploadPack(
    pass,
    request,
    response,
    dependencies,
    readBody(Readable.from([body]), { idleMs: Infinity }),
  )
}

/**
 * Starts the response with a progress line, and repeats progress until end(). A client that sent
 * `no-progress` gets the first line only, and empty packets after it.
 */
function startProgress(
  { repository }: PassFor<'git-upload-pack'>,
  response: ServerResponse,
  lines: readonly string[],
  firstFetch: FirstFetch,
): { end(): void } {
  // Outside of a pack git strips a packet's last newline (PACKET_READ_CHOMP_NEWLINE) and prints only complete
  // lines.
  const sendProgress = (line: string) =>
    void response.write(pktLine(`\x02${line && `git-gate: ${line}\n\n`}`))
  begin(response)
  sendProgress(`getting ${repository.name} from its upstream${progressSuffix(firstFetch)}`)
  const isQuiet = lines.includes('no-progress')
  let packets = 0
  const timer = setInterval(() => {
    packets += 1
    sendProgress(isQuiet || packets % PACKETS_PER_LINE ? '' : `upstream${progressSuffix(firstFetch)}`)
  }, KEEPALIVE_MS)
  return { end: () => clearInterval(timer) }
}

function begin(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'application/x-git-upload-pack-result',
    'cache-control': 'no-cache',
  })
}

/** Reads a whole request. Returns its bytes, the reason to refuse it, or how its client disconnected. */
async function wholeBody(
  request: IncomingMessage,
  pace: Pace,
): Promise<Buffer | UnreadableBody | ClientGone> {
  const body = contentOf(request, readBody(request, pace))
  const chunks: Buffer[] = []
  let size = 0
  try {
    for (let chunk = await body.read(); chunk; chunk = await body.read()) {
      size += chunk.length
      if (size > MAX_HELD_BYTES)
        throw new UnreadableBody(
          'the request is too large while the repository is on its way from its upstream',
        )
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    if (error instanceof ClientGone) return error
    if (!(error instanceof UnreadableBody)) throw error
    await body.drain().catch(() => {})
    return error
  }
}

/** Returns the lines of a protocol v2 request. Returns none if it is malformed: git refuses it later. */
function linesOf(bytes: Buffer): string[] {
  const packets = new PktLines()
  packets.push(bytes)
  const lines: string[] = []
  try {
    for (let packet = packets.nextOrDelimiter(); packet; packet = packets.nextOrDelimiter())
      if (Buffer.isBuffer(packet)) lines.push(packet.toString('utf8').replace(/\n$/, ''))
  } catch (error) {
    if (error instanceof PktLineError) return []
    throw error
  }
  return lines
}
