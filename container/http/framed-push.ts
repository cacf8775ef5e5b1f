import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import {
  ALIVE_MS,
  type Frame,
  PUSH_FRAMES,
  writeFrame,
} from '../../src/contract/companion-api/push-frames.ts'
import { httpClient, type PushClient } from '../client/push-client.ts'
import { text } from '../client/respond.ts'
import type { Companion } from '../companion.ts'
import { approvedClient } from '../push/approved-push.ts'
import { handlePush } from '../push/handle-push.ts'
import type { WorkerChannel } from '../push/worker-channel.ts'
import { getPushReport } from './push-reports.ts'

/** Limit of the bytes in one frame. Longer output is split. */
const MAX_BYTES = 64 << 10

/**
 * Serves a push over HTTP. The response consists of frames in one order: git's response for the client, and
 * the push's events for the ledger. It starts at once and carries a heartbeat, so the Durable Object notices
 * a hung companion.
 */
export async function servePush(
  companion: Companion,
  pass: PassFor<'git-receive-pack'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (pass.approved && (await getPushReport(companion, { push: pass.id, wait: 0 })))
    return text(response, 409, 'this push has begun already')
  const held = pass.approved && (await companion.held.find(pass.approved.push))
  const { client, worker } = frame(companion, pass.id, request, response)
  await companion.recovered
  await handlePush(companion, pass, held ? { ...client, ...approvedClient(held, response) } : client, worker)
}

function frame(
  { settings, journal, permissions }: Companion,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): { client: PushClient; worker: WorkerChannel } {
  const send = (frame: Frame) => {
    if (!response.destroyed && !response.writableEnded) response.write(writeFrame(frame))
  }
  response.writeHead(200, { 'content-type': PUSH_FRAMES, 'cache-control': 'no-cache' })
  response.flushHeaders()
  const heartbeat = setInterval(() => {
    // The response may have closed before this interval was set.
    if (response.destroyed || response.writableEnded) clearInterval(heartbeat)
    else send({ type: 'alive' })
  }, ALIVE_MS)
  return {
    client: {
      ...httpClient(request, response, settings),
      write(bytes) {
        for (let offset = 0; offset < bytes.length; offset += MAX_BYTES)
          send({ type: 'bytes', bytes: bytes.subarray(offset, offset + MAX_BYTES) })
      },
    },
    worker: {
      async sendEvent(event) {
        if (event.event === 'ended') response.once('finish', () => journal.delivered(id))
        send({ type: 'event', event })
      },
      askPermission(signal) {
        const permission = permissions.wait(id, signal)
        send({ type: 'event', event: { event: 'checked' } })
        return permission
      },
    },
  }
}
