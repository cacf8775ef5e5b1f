import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { LfsUploadResult } from '../../src/contract/lfs.ts'
import { TURNED_AWAY_MS } from '../client/push-client.ts'
import { releaseBuffer } from '../client/release-buffer.ts'
import { type Body, ClientGone, readBody, type WatchedBody } from '../client/request-body.ts'
import { json } from '../client/respond.ts'
import type { SessionEnd } from '../sessions/session-counts.ts'
import { sessionOf } from '../sessions/sessions.ts'
import type { IncomingObject } from './incoming-object.ts'
import type { Lfs, LfsRepository } from './lfs.ts'
import { failureOf, lfsError, respondWithFailure } from './respond.ts'
import { decisionsOf } from './scan-queue.ts'
import { tooLarge } from './upload-limit.ts'

/**
 * The longest wait of an answer for the scan and the forward, in milliseconds. git-lfs gives up after 30 s
 * without a byte (lfs.activitytimeout), so a longer work is asked for again (lfs-verify).
 */
const ANSWER_TIMEOUT_MS = 20_000

/** Receives an object, scans it, and forwards it to upstream. */
export async function lfsUpload(
  lfs: Lfs,
  pass: PassFor<'lfs-upload'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { clientIdleMs: idleMs, minReceiveRate: bytesPerSecond, receiveMs: withinMs } = lfs.settings
  const body = readBody(request, { idleMs, bytesPerSecond, withinMs })
  const refusal = tooLarge(pass, pass.terms, lfs.settings)
  if (refusal !== undefined) lfsError(response, 413, refusal)
  else await receiveUpload(lfs, pass, body, response)
  await discardRest(request, response, body)
}

/** Reads what the client still sends: a client that sends does not read an early answer. */
async function discardRest(
  request: IncomingMessage,
  response: ServerResponse,
  body: WatchedBody,
): Promise<void> {
  if (request.complete || response.destroyed) return
  body.within(TURNED_AWAY_MS)
  await body.drain().catch(() => {})
  if (!request.complete) request.socket.destroySoon()
}

async function receiveUpload(
  lfs: Lfs,
  pass: PassFor<'lfs-upload'>,
  body: Body,
  response: ServerResponse,
): Promise<void> {
  let step = 'receiving'
  const started = lfs.sessions.begin(sessionOf(pass), () => step)
  if (!started.ok) return lfsError(response, 429, `git-gate: ${started.reason}`)
  const repository = lfs.repository(pass.repository)
  let end: SessionEnd = { outcome: 'failed' }
  try {
    const incoming = await receive(repository, pass, body)
    step = 'checking'
    const work = repository.uploads.run(pass.oid, decisionsOf(pass), () =>
      checkAndForward(lfs, repository, pass, incoming),
    )
    const result = work.finally(() => incoming.discard())
    await answer(response, result)
    const { outcome } = await result
    end = { outcome: outcome === 'open' ? 'failed' : outcome }
  } catch (error) {
    if (error instanceof ClientGone) {
      end = { outcome: 'abandoned', disconnectReason: error.reason }
      lfsError(response, 408, `git-gate: the object did not arrive: ${error.message}`)
    } else respondWithFailure(response, pass.id, error)
  } finally {
    started.end(end)
  }
}

/** Writes an object to disk, and checks its size and its hash. */
async function receive(
  { stored }: LfsRepository,
  { oid, size }: PassFor<'lfs-upload'>,
  body: Body,
): Promise<IncomingObject> {
  const incoming = await stored.begin({ oid, size })
  try {
    for (let bytes = await body.read(); bytes; bytes = await body.read()) {
      const piece = await incoming.write(bytes)
      if (piece) releaseBuffer(piece)
    }
    await incoming.finish()
    return incoming
  } catch (error) {
    await incoming.discard()
    throw error
  }
}

async function checkAndForward(
  { refused }: Lfs,
  { scans, upstream }: LfsRepository,
  pass: PassFor<'lfs-upload'>,
  incoming: IncomingObject,
): Promise<LfsUploadResult> {
  const { oid, size, id, repository } = pass
  const started = performance.now()
  const ended = (outcome: LfsUploadResult['outcome'], message: string): LfsUploadResult => ({
    id,
    outcome,
    message,
    findings: [],
    exceptionsUsed: [],
    ms: Math.round(performance.now() - started),
  })
  try {
    const { refusal, findings, exceptionsUsed } = await scans.scan(
      { oid, size },
      incoming.path,
      decisionsOf(pass),
    )
    const found = { findings: [...findings], exceptionsUsed: [...exceptionsUsed] }
    if (refusal !== undefined) {
      refused.add(repository.name, oid, refusal)
      return { ...ended('refused', refusal), ...found }
    }
    await upstream.upload({ oid, size }, () => createReadStream(incoming.path), new AbortController().signal)
    refused.remove(repository.name, oid)
    await incoming.keep()
    return { ...ended('accepted', ''), ...found }
  } catch (error) {
    return ended('failed', failureOf(id, error).message)
  }
}

/** git-lfs takes 422 for a content type that it should not have sent, and drops the message. */
const STATUS = { open: 202, accepted: 200, refused: 403, failed: 502 } as const

/** Answers with the result, or after a while with `open`. */
async function answer(response: ServerResponse, result: Promise<LfsUploadResult>): Promise<void> {
  const timer = new AbortController()
  const open: LfsUploadResult = {
    id: '',
    outcome: 'open',
    message: '',
    findings: [],
    exceptionsUsed: [],
    ms: 0,
  }
  const answer = await Promise.race([result, delay(ANSWER_TIMEOUT_MS, open, { signal: timer.signal })])
  timer.abort()
  if (!response.destroyed) json(response, STATUS[answer.outcome], answer satisfies LfsUploadResult)
}

/** Answers with the result of an upload that was still open at its answer. */
export async function lfsVerify(
  lfs: Lfs,
  pass: PassFor<'lfs-verify'>,
  _request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { oid, size } = pass
  const repository = lfs.repository(pass.repository)
  const upload = repository.uploads.find(oid)
  if (upload) return answer(response, upload)
  try {
    const [state] = await repository.upstream.query(
      'upload',
      [{ oid, size }],
      AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    )
    if (state?.isPresent)
      return json(response, 200, { ...EMPTY, outcome: 'accepted' } satisfies LfsUploadResult)
    lfsError(response, 404, `git-gate: upstream does not have the object ${oid}`)
  } catch (error) {
    respondWithFailure(response, pass.id, error)
  }
}

const EMPTY: LfsUploadResult = {
  id: '',
  outcome: 'open',
  message: '',
  findings: [],
  exceptionsUsed: [],
  ms: 0,
}
