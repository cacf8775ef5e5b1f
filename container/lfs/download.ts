import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { LfsObject } from '../../src/contract/lfs.ts'
import { writeWithBackpressure } from '../client/request-body.ts'
import { disconnectSignal, endWithTimeout } from '../client/response-end.ts'
import { type SessionEnd, sessionEndOf } from '../sessions/session-counts.ts'
import { sessionOf } from '../sessions/sessions.ts'
import { nameAll } from './batch.ts'
import { StoreFull, WrongObject } from './incoming-object.ts'
import type { Lfs, LfsRepository } from './lfs.ts'
import { readWhole } from './open-file.ts'
import { lfsError, respondWithFailure } from './respond.ts'

/** Sends an object: from the store, or from upstream through the store. */
export async function lfsDownload(
  lfs: Lfs,
  pass: PassFor<'lfs-download'>,
  _request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const started = lfs.sessions.begin(sessionOf(pass), () => 'sending')
  if (!started.ok) return lfsError(response, 429, `git-gate: ${started.reason}`)
  const { oid, size } = pass
  const signal = disconnectSignal(response)
  const repository = lfs.repository(pass.repository)
  let end: SessionEnd = { outcome: 'failed' }
  try {
    await nameAll(repository, pass.repository, [{ oid }], signal)
    if (!repository.pointers.has(oid))
      return lfsError(response, 404, `git-gate: no file of ${pass.repository.name} names the object ${oid}`)
    const { bytes, release } = await open(repository, { oid, size }, signal)
    try {
      end = await send(response, size, bytes, lfs.settings.readIdleMs)
    } finally {
      await release()
    }
  } catch (error) {
    if (response.destroyed) end = sessionEndOf('disconnected')
    else respondWithFailure(response, pass.id, error)
  } finally {
    started.end(end)
  }
}

interface ObjectSource {
  readonly bytes: AsyncGenerator<Buffer>
  release(): void | PromiseLike<void>
}

async function open(
  { stored, downloads, upstream }: LfsRepository,
  object: LfsObject,
  signal: AbortSignal,
): Promise<ObjectSource> {
  const file = await stored.open(object)
  if (file) return { bytes: readWhole(file), release: () => file[Symbol.asyncDispose]() }
  try {
    const { read, release } = await downloads.follow(object)
    return { bytes: read(signal), release }
  } catch (error) {
    if (!(error instanceof StoreFull)) throw error
    return { bytes: checked(object, await upstream.download(object, signal)), release: () => {} }
  }
}

/** Yields the bytes of an object that does not fit into the store. The last ones come after the check. */
async function* checked({ oid, size }: LfsObject, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  let seen = 0
  let last: Buffer | undefined
  for await (const chunk of source) {
    if (last) yield last
    hash.update(chunk)
    seen += chunk.length
    last = chunk
    if (seen > size) break
  }
  if (seen !== size || hash.digest('hex') !== oid)
    throw new WrongObject('upstream sends other bytes than its id says')
  if (last) yield last
}

async function send(
  response: ServerResponse,
  size: number,
  bytes: AsyncGenerator<Buffer>,
  idleMs: number,
): Promise<SessionEnd> {
  // The first bytes decide between an answer and an error.
  const first = await bytes.next()
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': String(size),
    'cache-control': 'no-cache',
  })
  if (!first.done) await writeWithBackpressure(response, first.value, idleMs)
  for await (const chunk of bytes) {
    if (response.destroyed) break
    await writeWithBackpressure(response, chunk, idleMs)
  }
  return sessionEndOf(await endWithTimeout(response, idleMs))
}
