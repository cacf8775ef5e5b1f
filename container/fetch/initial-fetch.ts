import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { PassFor } from '../../src/contract/pass.ts'
import type { Pace } from '../client/idle-deadline.ts'
import { contentOf, UnreadableBody } from '../client/inflate-body.ts'
import { endWithin, gitProtocol, goneSignal } from '../client/push-client.ts'
import { bodyOf, ClientGone } from '../client/request-body.ts'
import { pktLine } from '../git/pkt-line.ts'
import type { Mirror } from '../mirror/mirror.ts'
import type { Arriving } from '../mirror/refresh.ts'
import { orAborted } from '../process/with-abort.ts'
import { endedBy, type SessionEnd } from '../sessions/session-counts.ts'
import type { Settings } from '../settings.ts'
import { UpstreamError } from '../upstream/ssh-link.ts'
import { lsRefs } from './ls-refs.ts'
import { fetchPace, refuseFetch, uploadPack } from './upload-pack.ts'

/** Until then nobody is told that a repository is still on its way, in milliseconds. */
const SOON_MS = 2_000
/** How often a client that waits, and what lies between, hears something, in milliseconds. */
const KEEPALIVE_MS = 2_000
/** It is told how far it is each time that it has heard so many. */
const WORDS_EACH = 3
/** Of a request that waits for the repository, all is held. */
const MAX_HELD_BYTES = 8 << 20

/** What git says of the way, after the gate's own words. */
const farther = ({ progress }: Arriving) => (progress.now ? `: ${progress.now}` : '')

/**
 * Waits for a mirror's refresh. Of its first, long fetch a client of protocol version 2 will be told in its next
 * requests, so `true`: go on. To others nothing can be said before all is there: they are sent away after a while,
 * with the reason, and the fetch goes on.
 */
export async function freshOrArriving(
  pass: PassFor<'advertise-upload-pack' | 'advertise-receive-pack'>,
  request: IncomingMessage,
  mirror: Mirror,
  refreshed: Promise<void>,
  { wordlessMs }: Pick<Settings, 'wordlessMs'>,
): Promise<{ ok: true } | { ok: false; why: string; retryAfter: number }> {
  const isTold = pass.service === 'advertise-upload-pack' && speaksV2(request)
  for (;;) {
    const late = AbortSignal.timeout(isTold ? SOON_MS : wordlessMs)
    try {
      await orAborted(refreshed, late)
      return { ok: true }
    } catch (error) {
      if (error !== late.reason) throw error
    }
    const { arriving } = mirror
    if (!arriving) continue
    refreshed.catch(() => {})
    if (isTold) return { ok: true }
    return {
      ok: false,
      why: `${pass.repository.name} is on its way from its upstream${farther(arriving)}; nothing was changed; try again in ${RETRY_SECONDS} s`,
      retryAfter: RETRY_SECONDS,
    }
  }
}

const RETRY_SECONDS = 30

const speaksV2 = (request: IncomingMessage) => gitProtocol(request.headers['git-protocol']) === 'version=2'

/**
 * A fetch while the mirror's first one goes on: refs are answered from upstream's list; a client that lets its whole
 * answer be multiplexed is told how far it is until git can serve it (gitprotocol-v2(5), `sideband-all`).
 */
export async function uploadArriving(
  pass: PassFor<'git-upload-pack'>,
  request: IncomingMessage,
  response: ServerResponse,
  mirror: Mirror,
  arriving: Arriving,
  settings: Settings,
): Promise<SessionEnd> {
  const body = await wholeBody(request, fetchPace(settings))
  if (body instanceof ClientGone) {
    response.destroy()
    return endedBy(body.how)
  }
  if (body instanceof UnreadableBody) {
    refuseFetch(response, body.message)
    return { outcome: 'failed' }
  }
  const lines = speaksV2(request) ? linesOf(body) : []
  if (lines.includes('command=ls-refs')) {
    begin(response)
    response.write(lsRefs(arriving.refs, lines))
    return endedBy(await endWithin(response, settings.readIdleMs))
  }
  const told = lines.includes('sideband-all') ? tell(pass, response, lines, arriving) : undefined
  try {
    await orAborted(arriving.done, goneSignal(response))
  } catch (error) {
    if (!told || !(error instanceof UpstreamError)) throw error
    response.end(pktLine(`\x03git-gate: ${error.message}\n`))
    return { outcome: 'failed' }
  } finally {
    told?.end()
  }
  return uploadPack(
    pass,
    request,
    response,
    mirror,
    settings,
    bodyOf(Readable.from([body]), { idleMs: Infinity }),
  )
}

/** Begins the answer with word of the wait, and keeps it up. Whoever wants no progress hears of it once. */
function tell(
  { repository }: PassFor<'git-upload-pack'>,
  response: ServerResponse,
  lines: readonly string[],
  arriving: Arriving,
): { end(): void } {
  // Outside of a pack git drops a packet's last newline, and prints only whole lines (PACKET_READ_CHOMP_NEWLINE).
  const say = (words: string) => void response.write(pktLine(`\x02${words && `git-gate: ${words}\n\n`}`))
  begin(response)
  say(`getting ${repository.name} from its upstream${farther(arriving)}`)
  const isQuiet = lines.includes('no-progress')
  let heard = 0
  const timer = setInterval(() => {
    heard += 1
    say(isQuiet || heard % WORDS_EACH ? '' : `upstream${farther(arriving)}`)
  }, KEEPALIVE_MS)
  return { end: () => clearInterval(timer) }
}

function begin(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'application/x-git-upload-pack-result',
    'cache-control': 'no-cache',
  })
}

/** All of a request, why it is refused, or how its client went away. */
async function wholeBody(
  request: IncomingMessage,
  pace: Pace,
): Promise<Buffer | UnreadableBody | ClientGone> {
  const body = contentOf(request, bodyOf(request, pace))
  const chunks: Buffer[] = []
  let size = 0
  try {
    for (let chunk = await body.next(); chunk; chunk = await body.next()) {
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

/** The lines of a request of protocol version 2; none of one that cannot be read, which is git's to refuse. */
function linesOf(bytes: Buffer): string[] {
  const lines: string[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = Number.parseInt(bytes.toString('latin1', at, at + 4), 16)
    if (Number.isNaN(length)) return []
    if (length > 4) lines.push(bytes.toString('utf8', at + 4, at + length).replace(/\n$/, ''))
    at += Math.max(4, length)
  }
  return lines
}
