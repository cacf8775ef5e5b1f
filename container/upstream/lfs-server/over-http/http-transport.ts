import type { Upstream } from '../../../../src/contract/companion-api/pass.ts'
import type { LfsObject, LfsOperation } from '../../../../src/contract/lfs.ts'
import { isHttps } from '../../../../src/contract/upstream.ts'
import { credentialRefused } from '../../to-upstream-error.ts'
import {
  expiryOf,
  type LfsOffer,
  type LfsTransport,
  type LfsTransportDeps,
  operationOf,
  Unauthorized,
} from '../transport.ts'
import { type LfsActions, requestBatch, requestJson } from './api.ts'
import { type LfsEndpoint, lfsEndpointOverHttps, lfsEndpointOverSsh } from './endpoint.ts'
import { downloadObject, uploadObject } from './objects.ts'
import { createLfsSender, type LfsSender } from './send.ts'

/** The LFS API over HTTP (git-lfs docs/api), at an HTTPS upstream or where an SSH upstream says that it is. */
export function createHttpTransport(
  upstream: Upstream,
  { linkTo, credentials, forwardMs }: LfsTransportDeps,
): LfsTransport {
  const send = createLfsSender(upstream)
  const endpoints = new Map<LfsOperation, LfsEndpoint>()

  const endpoint = async (operation: LfsOperation, signal: AbortSignal) => {
    const cached = endpoints.get(operation)
    if (cached && cached.expiresAt > Date.now()) return cached
    const fresh = isHttps(upstream.url)
      ? lfsEndpointOverHttps(upstream, await credentials.tokenFor(upstream, signal))
      : await lfsEndpointOverSsh(await linkTo(upstream), upstream, operation, signal)
    endpoints.set(operation, fresh)
    return fresh
  }
  /** Runs work with the endpoint, and once more with a new one when its credentials are refused. */
  const withEndpoint = async <T>(
    operation: LfsOperation,
    signal: AbortSignal,
    work: (endpoint: LfsEndpoint) => Promise<T>,
  ): Promise<T> => {
    const first = await endpoint(operation, signal)
    try {
      return await work(first)
    } catch (error) {
      if (!(error instanceof Unauthorized)) throw error
      if (endpoints.get(operation) === first) endpoints.delete(operation)
      if (first.token !== undefined) credentials.refused(first.token)
    }
    const second = await endpoint(operation, signal)
    return work(second).catch((error: unknown) => {
      throw error instanceof Unauthorized && second.token !== undefined ? credentialRefused(upstream) : error
    })
  }
  return {
    async batch(operation, objects, signal) {
      const answers = await withEndpoint(operation, signal, to =>
        requestBatch(send, to, operation, objects, signal),
      )
      const byOid = new Map(objects.map(object => [object.oid as string, object]))
      return answers.map(({ oid, error, actions }) => {
        const object = byOid.get(oid)
        return {
          oid,
          error: error ?? undefined,
          offer: object && actions ? offerOf(send, object, actions, forwardMs) : undefined,
        }
      })
    },
    locks: (request, signal) =>
      withEndpoint(operationOf(request), signal, async to => {
        const { method, path, body } = request
        const answer = await requestJson(send, to, method, `/locks${path}`, body, signal)
        if (answer.status === 401)
          throw new Unauthorized('the LFS server refuses the credentials of the gate')
        return answer
      }),
  }
}

function offerOf(
  send: LfsSender,
  object: LfsObject,
  { download, upload, verify }: LfsActions,
  answerMs: number,
): LfsOffer {
  const actions = [download, upload, verify].filter(action => action !== undefined)
  return {
    expiresAt: Math.min(...actions.map(expiryOf)),
    download: download && (signal => downloadObject(send, download.href, download.header ?? {}, signal)),
    upload:
      upload && ((open, signal) => uploadObject(send, object, { upload, verify }, open, answerMs, signal)),
  }
}
