import type { Readable } from 'node:stream'
import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import type { LfsObject, LfsOperation } from '../../../src/contract/lfs.ts'
import type { Credentials } from '../https/credentials.ts'
import type { Link } from '../link.ts'
import { credentialRefused } from '../to-upstream-error.ts'
import { UpstreamError } from '../upstream-error.ts'
import { type LfsAction, type LfsAnswer, LfsRefused, requestBatch, requestJson, Unauthorized } from './api.ts'
import { expiryOf, type LfsEndpoint, lfsEndpointOverHttps, lfsEndpointOverSsh } from './endpoint.ts'
import { createLfsSender } from './http.ts'
import { downloadObject, uploadObject } from './transfer.ts'

export { LfsRefused } from './api.ts'
export { NoLfs } from './endpoint.ts'

/** Upstream's answer about an object. */
export interface ObjectState extends LfsObject {
  readonly isPresent: boolean
  /** Upstream's reason, where the operation is not possible. */
  readonly error?: { readonly code: number; readonly message: string }
}

/** An upstream's LFS server. Its methods reject with UpstreamError, and with NoLfs where there is none. */
export interface LfsUpstream {
  /** Says which objects upstream has. */
  query(operation: LfsOperation, objects: readonly LfsObject[], signal: AbortSignal): Promise<ObjectState[]>
  /** Returns the bytes of an object, unchecked. */
  download(object: LfsObject, signal: AbortSignal): Promise<AsyncIterable<Buffer>>
  /** Sends an object, and waits until upstream has verified it. `open` opens it for one attempt. */
  upload(object: LfsObject, open: () => Readable, signal: AbortSignal): Promise<void>
  /** Sends a request of the locking API. Returns upstream's answer. */
  locks(
    request: { method: 'GET' | 'POST'; path: string; body: unknown },
    signal: AbortSignal,
  ): Promise<{ status: number; text: string }>
}

export interface LfsUpstreams {
  to(upstream: Upstream): LfsUpstream
}

/** The actions that are remembered between a batch and its transfers. */
const MAX_ACTIONS = 20_000

type Actions = NonNullable<LfsAnswer['actions']>

/** The ways to the hosts of upstreams. */
export interface LfsTransports {
  readonly linkTo: (upstream: Upstream) => Promise<Link>
  readonly credentials: Pick<Credentials, 'tokenFor' | 'refused'>
  /** The longest wait for an LFS server that has the whole object, in milliseconds. */
  readonly forwardMs: number
}

export function createLfsUpstreams(ways: LfsTransports): LfsUpstreams {
  const known = new Map<string, LfsUpstream>()
  return {
    to(upstream) {
      const key = JSON.stringify(upstream)
      const lfs = known.get(key) ?? createLfsUpstream(upstream, ways)
      known.set(key, lfs)
      return lfs
    },
  }
}

function createLfsUpstream(
  upstream: Upstream,
  { linkTo, credentials, forwardMs }: LfsTransports,
): LfsUpstream {
  const send = createLfsSender(upstream)
  const endpoints = new Map<LfsOperation, LfsEndpoint>()
  const actions = new Map<string, { actions: Actions; expiresAt: number }>()

  const endpoint = async (operation: LfsOperation, signal: AbortSignal) => {
    const cached = endpoints.get(operation)
    if (cached && cached.expiresAt > Date.now()) return cached
    const fresh = /^https?:/.test(upstream.url)
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
  const remember = (operation: LfsOperation, oid: string, found: Actions) => {
    const each = [found.download, found.upload, found.verify].filter(action => action !== undefined)
    const key = `${operation} ${oid}`
    actions.delete(key)
    actions.set(key, { actions: found, expiresAt: Math.min(...each.map(expiryOf)) })
    for (const oldest of actions.keys()) {
      if (actions.size <= MAX_ACTIONS) break
      actions.delete(oldest)
    }
  }
  const sendBatch = async (operation: LfsOperation, objects: readonly LfsObject[], signal: AbortSignal) => {
    const answers = await withEndpoint(operation, signal, to =>
      requestBatch(send, to, operation, objects, signal),
    )
    const byOid = new Map(answers.map(answer => [answer.oid, answer]))
    for (const { oid, actions: found } of answers) if (found) remember(operation, oid, found)
    return objects.map((object): ObjectState => {
      const answer = byOid.get(object.oid)
      if (!answer) throw new UpstreamError('the LFS server does not answer about every object')
      if (answer.error) return { ...object, isPresent: false, error: answer.error }
      const { download, upload } = answer.actions ?? {}
      return {
        ...object,
        isPresent: operation === 'download' ? download !== undefined : upload === undefined,
      }
    })
  }
  /** Runs a transfer with remembered actions, and with new ones when they have expired or are refused. */
  const withActions = async <T>(
    operation: LfsOperation,
    object: LfsObject,
    signal: AbortSignal,
    work: (actions: Actions) => Promise<T>,
  ): Promise<T | undefined> => {
    const key = `${operation} ${object.oid}`
    const before = actions.get(key)
    actions.delete(key)
    if (before && before.expiresAt > Date.now())
      try {
        return await work(before.actions)
      } catch (error) {
        if (!(error instanceof Unauthorized || error instanceof LfsRefused)) throw error
      }
    const [state] = await sendBatch(operation, [object], signal)
    if (state?.error) throw new LfsRefused(`the LFS server says: ${state.error.message || state.error.code}`)
    const now = actions.get(key)
    actions.delete(key)
    return now && work(now.actions)
  }
  const headersFor = (action: LfsAction) => action.header ?? {}

  return {
    query: sendBatch,
    async download(object, signal) {
      const body = await withActions(
        'download',
        object,
        signal,
        async ({ download }) => download && downloadObject(send, download.href, headersFor(download), signal),
      )
      if (!body)
        throw new LfsRefused(`the upstream of ${upstream.name} does not have the object ${object.oid}`)
      return body
    },
    async upload(object, open, signal) {
      await withActions('upload', object, signal, ({ upload, verify }) =>
        uploadObject(send, object, { upload, verify }, open, forwardMs, signal),
      )
    },
    locks: ({ method, path, body }, signal) =>
      withEndpoint(method === 'GET' ? 'download' : 'upload', signal, async to => {
        const answer = await requestJson(send, to, method, `/locks${path}`, body, signal)
        if (answer.status === 401)
          throw new Unauthorized('the LFS server refuses the credentials of the gate')
        return answer
      }),
  }
}
