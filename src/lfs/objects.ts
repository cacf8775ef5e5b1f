import type { Context } from 'hono'
import { z } from 'zod'
import type { GitEnv } from '../auth/agent.ts'
import { logError } from '../common/log.ts'
import { refuseReadOnly } from '../common/refuse-read-only.ts'
import { askCompanion } from '../companion/index.ts'
import { LfsObject, LfsUploadResult } from '../contract/lfs.ts'
import { newId } from '../ledger/id.ts'
import { recordUpload } from '../ledger/lfs-records/transfers.ts'
import { relayResponse } from './relay-response.ts'
import { lfsError, lfsResponse } from './respond.ts'

/** Serves `GET …/info/lfs/objects/<oid>?size=<bytes>`, the download action. */
export async function download(c: Context<GitEnv>): Promise<Response> {
  const object = objectOf(c)
  if (!object) return objectNotFound()
  return relayResponse(await queryObject(c, 'lfs-download', object))
}

/** Serves `PUT …/info/lfs/objects/<oid>?size=<bytes>`, the upload action. */
export async function upload(c: Context<GitEnv>): Promise<Response> {
  const object = objectOf(c)
  if (!object) return objectNotFound()
  const { repository, terms, exceptions, declines, gitleaksConfig } = c.var.access
  const { raw } = c.req
  if (terms.rules.length === 0) return lfsError(403, refuseReadOnly(c.var.agent, repository.name).join('; '))
  if (raw.headers.has('content-encoding')) return lfsError(415, 'send the object without Content-Encoding')
  const length = raw.headers.get('content-length')
  if (length !== null && Number(length) !== object.size)
    return lfsError(422, `the object has ${length} bytes, and ${object.size} were announced`)
  const answer = askCompanion(
    c.env,
    repository.name,
    {
      service: 'lfs-upload',
      id: newId(),
      repository,
      agent: c.var.agent,
      terms,
      exceptions: [...exceptions],
      declines: [...declines],
      gitleaksConfig,
      ...object,
    },
    { body: raw.body, length, headers: length === null ? {} : { 'content-length': length } },
  ).catch(() => undefined)
  // The upload of a client that goes away is recorded, too.
  const response = answer.then(each => recordAndRespond(c, object, each))
  c.executionCtx.waitUntil(response.catch(() => {}))
  return response
}

/** Serves `POST …/info/lfs/objects/<oid>/verify?size=<bytes>`: the result of an upload that took longer. */
export async function verify(c: Context<GitEnv>): Promise<Response> {
  const object = objectOf(c)
  if (!object) return objectNotFound()
  const answer = await queryObject(c, 'lfs-verify', object)
  const response = await recordUploadEnd(c, object, answer)
  // git-lfs takes any success for the end, and asks again after this status.
  return response.status === 202
    ? lfsError(429, 'the gate is still scanning or forwarding the object', { 'retry-after': '2' })
    : response
}

const objectNotFound = () => lfsError(404, 'the path must be /objects/<SHA-256 in hex>?size=<bytes>')

/** Asks the companion about an object. Returns undefined if the companion does not answer. */
function queryObject(
  c: Context<GitEnv>,
  service: 'lfs-download' | 'lfs-verify',
  object: LfsObject,
): Promise<Response | undefined> {
  const { repository, terms } = c.var.access
  const pass = { service, id: newId(), repository, agent: c.var.agent, terms, ...object }
  return askCompanion(c.env, repository.name, pass, { signal: c.req.raw.signal }).catch(() => undefined)
}

function objectOf(c: Context<GitEnv>): LfsObject | undefined {
  const url = new URL(c.req.url)
  const size = url.searchParams.get('size')
  const oid = /\/objects\/([0-9a-f]{64})(?:\/verify)?$/.exec(url.pathname)?.[1]
  if (size === null || !/^\d{1,16}$/.test(size)) return undefined
  return LfsObject.safeParse({ oid, size: Number(size) }).data
}

/** Records an upload that the companion has not taken, or its end, and returns the answer for the client. */
async function recordAndRespond(
  c: Context<GitEnv>,
  object: LfsObject,
  answer: Response | undefined,
): Promise<Response> {
  const response = await recordUploadEnd(c, object, answer)
  const isTaken = answer?.headers.get('content-type') === 'application/json'
  // The client of a busy gate comes again.
  if (isTaken || response.status === 429) return response
  const read = LfsMessage.safeParse(
    await response
      .clone()
      .json()
      .catch(() => undefined),
  )
  await record(c, object, {
    id: newId(),
    outcome: 'failed',
    message: answer ? (read.data?.message ?? '') : 'the client or the companion disconnected',
    findings: [],
    exceptionsUsed: [],
    ms: 0,
  })
  return response
}

const LfsMessage = z.object({ message: z.string() })

/** Records the end of an upload, and returns the answer for the client. */
async function recordUploadEnd(
  c: Context<GitEnv>,
  object: LfsObject,
  answer: Response | undefined,
): Promise<Response> {
  if (answer?.headers.get('content-type') !== 'application/json') return relayResponse(answer)
  const result = LfsUploadResult.parse(await answer.json())
  if (result.outcome !== 'open' && result.id !== '') await record(c, object, result)
  return lfsResponse(answer.status, result.message ? { message: result.message } : {})
}

async function record(c: Context<GitEnv>, object: LfsObject, result: LfsUploadResult): Promise<void> {
  const { agent, token, access } = c.var
  const client = { repository: access.repository.name, agent, tokenId: token.id }
  await recordUpload({ db: c.env.LEDGER, client, object, result }, work =>
    c.executionCtx.waitUntil(work),
  ).catch(error => logError({ at: 'lfs transfers' }, error))
}
