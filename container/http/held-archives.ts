import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { HELD_HASH_HEADER, type PassFor } from '../../src/contract/companion-api/pass.ts'
import { type Body, readBody } from '../client/request-body.ts'
import { text } from '../client/respond.ts'
import { disconnectSignal } from '../client/response-end.ts'
import type { Companion } from '../companion.ts'
import { archiveOf, restore } from '../held/held-archive.ts'

/** Sends the archive of a held push, for the Worker's bucket. */
export async function sendHeld(
  { held }: Companion,
  { push, isSent }: PassFor<'held-push'>,
  response: ServerResponse,
): Promise<void> {
  const found = await held.find(push)
  if (!found) return text(response, 404, 'no such push')
  if (!isSent) return void response.writeHead(204).end()
  const { bytes, hash, read } = await archiveOf(found)
  response.writeHead(200, { 'content-length': bytes, [HELD_HASH_HEADER]: hash })
  await pipeline(read, response, { signal: disconnectSignal(response) })
}

/** Holds the push of an archive again. Responds with 409 if the archive is another one, or if there is no room. */
export async function receiveHeld(
  { held, settings }: Companion,
  { push, hash }: PassFor<'restore-held-push'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = readBody(request, { idleMs: settings.clientIdleMs, bytesPerSecond: settings.minReceiveRate })
  const isHeld =
    (await held.find(push)) !== undefined ||
    (await restore(held, chunksOf(body), { push, hash, scratch: join(settings.home, 'scratch') }))
  // The Worker reads the response only after it has sent the body.
  await body.drain()
  if (isHeld) response.writeHead(204).end()
  else text(response, 409, 'this is not the push that was held, or there is no room for it')
}

async function* chunksOf(body: Body): AsyncGenerator<Buffer, void> {
  for (let chunk = await body.read(); chunk; chunk = await body.read()) yield chunk
}
