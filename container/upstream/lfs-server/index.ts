import type { Readable } from 'node:stream'
import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import type { LfsObject, LfsOperation } from '../../../src/contract/lfs.ts'
import { UpstreamError } from '../upstream-error.ts'
import { createTransport } from './create-transport.ts'
import {
  type LfsAnswer,
  type LfsOffer,
  LfsRefused,
  type LfsTransport,
  type LfsTransportDeps,
  type LockAnswer,
  type LockRequest,
  Unauthorized,
} from './transport.ts'

export { LfsRefused, NoLfs } from './transport.ts'

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
  locks(request: LockRequest, signal: AbortSignal): Promise<LockAnswer>
}

export interface LfsUpstreams {
  to(upstream: Upstream): LfsUpstream
}

/** The objects of one batch: more get an error from some servers. */
const BATCH = 100

/** The offers that are remembered between a batch and its transfers. */
const MAX_OFFERS = 20_000

export function createLfsUpstreams(deps: LfsTransportDeps): LfsUpstreams {
  const upstreams = new Map<string, LfsUpstream>()
  return {
    to(upstream) {
      const key = JSON.stringify(upstream)
      const lfs = upstreams.get(key) ?? createLfsUpstream(upstream, createTransport(upstream, deps))
      upstreams.set(key, lfs)
      return lfs
    },
  }
}

function createLfsUpstream({ name }: Upstream, transport: LfsTransport): LfsUpstream {
  const offers = new Map<string, LfsOffer>()
  const remember = (operation: LfsOperation, oid: string, offer: LfsOffer) => {
    const key = `${operation} ${oid}`
    offers.delete(key)
    offers.set(key, offer)
    for (const oldest of offers.keys()) {
      if (offers.size <= MAX_OFFERS) break
      offers.delete(oldest)
    }
  }
  const takeOffer = (operation: LfsOperation, oid: string): LfsOffer | undefined => {
    const key = `${operation} ${oid}`
    const offer = offers.get(key)
    offers.delete(key)
    return offer
  }
  const query = async (operation: LfsOperation, objects: readonly LfsObject[], signal: AbortSignal) => {
    const answers: LfsAnswer[] = []
    for (let start = 0; start < objects.length; start += BATCH)
      answers.push(...(await transport.batch(operation, objects.slice(start, start + BATCH), signal)))
    const byOid = new Map(answers.map(answer => [answer.oid, answer]))
    for (const { oid, offer } of answers) if (offer) remember(operation, oid, offer)
    return objects.map((object): ObjectState => {
      const answer = byOid.get(object.oid)
      if (!answer) throw new UpstreamError('the LFS server does not answer about every object')
      if (answer.error) return { ...object, isPresent: false, error: answer.error }
      const { download, upload } = answer.offer ?? {}
      return {
        ...object,
        isPresent: operation === 'download' ? download !== undefined : upload === undefined,
      }
    })
  }
  /** Runs a transfer with a remembered offer, and with a new one when it has expired or is refused. */
  const withOffer = async <T>(
    operation: LfsOperation,
    object: LfsObject,
    signal: AbortSignal,
    work: (offer: LfsOffer) => Promise<T>,
  ): Promise<T | undefined> => {
    const before = takeOffer(operation, object.oid)
    if (before && before.expiresAt > Date.now())
      try {
        return await work(before)
      } catch (error) {
        if (!(error instanceof Unauthorized || error instanceof LfsRefused)) throw error
      }
    const [state] = await query(operation, [object], signal)
    if (state?.error) throw new LfsRefused(`the LFS server says: ${state.error.message || state.error.code}`)
    const now = takeOffer(operation, object.oid)
    return now && work(now)
  }
  return {
    query,
    async download(object, signal) {
      const body = await withOffer('download', object, signal, async offer => offer.download?.(signal))
      if (!body) throw new LfsRefused(`the upstream of ${name} does not have the object ${object.oid}`)
      return body
    },
    async upload(object, open, signal) {
      await withOffer('upload', object, signal, async offer => offer.upload?.(open, signal))
    },
    locks: transport.locks,
  }
}
