import type { Readable } from 'node:stream'
import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import type { LfsObject, LfsOperation } from '../../../src/contract/lfs.ts'
import type { Credentials } from '../https/credentials.ts'
import type { Link } from '../link.ts'
import { UpstreamError } from '../upstream-error.ts'

/** The upstream has no Git LFS. */
export class NoLfs extends UpstreamError {}

/** Upstream's LFS server refuses the gate's credentials. */
export class Unauthorized extends UpstreamError {}

/** Upstream's LFS server refuses a request for a reason that another attempt does not change. */
export class LfsRefused extends UpstreamError {}

/** The means of LFS transports to reach upstreams. */
export interface LfsTransportDeps {
  readonly linkTo: (upstream: Upstream) => Promise<Link>
  readonly credentials: Pick<Credentials, 'tokenFor' | 'refused'>
  /** The longest wait for an LFS server that has the whole object, in milliseconds. */
  readonly forwardMs: number
}

/** A protocol in which an upstream's LFS server is spoken to. Its methods reject with UpstreamError. */
export interface LfsTransport {
  /** Asks about the objects of one batch. */
  batch(operation: LfsOperation, objects: readonly LfsObject[], signal: AbortSignal): Promise<LfsAnswer[]>
  locks(request: LockRequest, signal: AbortSignal): Promise<LockAnswer>
}

/** A server's answer about one object. Without an offer there is nothing to transfer. */
export interface LfsAnswer {
  readonly oid: string
  readonly error?: { readonly code: number; readonly message: string } | undefined
  readonly offer?: LfsOffer | undefined
}

/** The transfers of an object that a server offers. */
export interface LfsOffer {
  /** In Unix milliseconds. */
  readonly expiresAt: number
  /** Returns the object's bytes, unchecked. */
  readonly download?: ((signal: AbortSignal) => Promise<AsyncIterable<Buffer>>) | undefined
  /** Sends the object, and waits until the server has verified it. */
  readonly upload?: ((open: () => Readable, signal: AbortSignal) => Promise<void>) | undefined
}

/** A request of the locking API (git-lfs docs/api/locking.md). The path is below `/locks`, with its query. */
export interface LockRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: unknown
}

/** The status and the JSON of an answer of the locking API. */
export interface LockAnswer {
  readonly status: number
  readonly text: string
}

/** The operation that a request of the locking API takes at upstream. */
export const operationOf = ({ method }: LockRequest): LfsOperation =>
  method === 'GET' ? 'download' : 'upload'

/** The lifetime of an answer for which a server gives none, in milliseconds. */
export const LIFETIME_MS = 5 * 60_000

/** An answer is renewed this long before it expires, in milliseconds. */
const MARGIN_MS = 30_000

/** Returns when an answer of an LFS server expires, in Unix milliseconds, with a margin. */
export function expiryOf({
  expires_in,
  expires_at,
}: {
  expires_in?: number | undefined
  expires_at?: string | undefined
}): number {
  const now = Date.now()
  if (expires_in !== undefined && expires_in > 0) return now + expires_in * 1000 - MARGIN_MS
  const expiresAt = expires_at === undefined ? Number.NaN : Date.parse(expires_at)
  // Servers send the year 1 for "never".
  return expiresAt > now ? expiresAt - MARGIN_MS : now + LIFETIME_MS
}

/** Makes the error of an answer that is not a success, with the server's own words. */
export function statusError(host: string, status: number, hostMessage = ''): UpstreamError {
  const words = hostMessage && `: ${hostMessage.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 300)}`
  const message = `the LFS server ${host} answers with ${status}${words}`
  if (status === 401) return new Unauthorized(message)
  return status >= 400 && status < 500 && status !== 408 && status !== 429
    ? new LfsRefused(message)
    : new UpstreamError(message)
}
